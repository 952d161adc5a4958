// Package ec2 is the embedded EC2: instances, volumes, snapshots, images,
// launch templates and tags behind EC2's own wire protocol, so that the real
// SDKs and the AWS CLI talk to it. It knows how long things take, how they
// fail, what the service refuses and which events it sends; it runs nothing.
package ec2

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"goldsmith/local/bucket"
	"goldsmith/local/clock"
	"goldsmith/local/draw"
	"goldsmith/local/inject"
	"goldsmith/local/query"
)

// Options set a World up. Clock is required; the rest may be zero.
type Options struct {
	Clock  *clock.Clock
	Seed   uint64 // of every id, delay and chance
	Region string // default eu-west-1
	// Regions are those that the account has enabled besides, with nothing in them yet: neither public images nor events.
	Regions []string
	Account string // default 123456789012
	Log     *query.Log

	// Emit receives every event the World sends to EventBridge. It is called
	// without locks, one event at a time, in order; it may call the World but
	// must not wait for another event. The World's clock runs timers only
	// while Emit is set; else time passes whenever the World is asked.
	Emit func(source, detailType string, resources []string, detail any)

	Timing  Timing        // zero: DefaultTiming
	Buckets bool          // throttle as EC2 documents
	Lag     time.Duration // describes may be this late
}

// World is one account in one Region. It is safe for concurrent use.
type World struct {
	clock   *clock.Clock
	service *query.Service
	options Options

	mu       *sync.Mutex // of the account: copies are made from Region to Region
	now      time.Time   // of the call or the happening being served
	asOf     time.Time   // what describes see
	agenda   agenda
	timer    *clock.Timer
	timerAt  time.Time
	outbox   []event
	emitting bool
	drawn    draw.Counts
	buckets  bucket.Set
	faults   inject.Set
	striking inject.Struck // at the call being served
	answers  map[string]answered

	network   network
	instances *store[instance]
	volumes   *store[volume]
	snapshots *store[snapshot]
	images    *store[image]
	templates *store[template]
	spots     *store[spotRequest]
	keyPairs  map[string]keyPair
	profiles  map[string]bool // instance profiles, by name
	restores  *store[fastRestore]
	reports   *store[usageReport]
	fleets    *store[fleet]
	bin       *store[binned[image]]
	binFor    time.Duration

	snapshotBin    *store[binned[snapshot]]
	snapshotBinFor time.Duration

	names  map[string]time.Time // image names that stay taken until then, after deregistration
	tombs  map[string]time.Time // deregistered images, until EC2 forgets them
	tagged map[string]int       // version of the last tag change event, by resource
	keys   map[string]KeyState  // by ARN
	usable map[string]keyUsers  // keys that other accounts may use, by ARN
	vcpus  map[string]float64   // quotas, by code
	closed map[string]bool      // accounts that are closed
	uses   []use                // of images by other accounts
	copies int                  // of snapshots, in progress

	noDevice NoDevice

	// Parameter Store's answers, see Parameters; nil without one.
	valueOf func(name string) (string, bool)
	holding func(image string) []string

	regions map[string]*World // of the account, by name, this one included
	// disabled are the names of those that the account does not show as enabled, optIn of those that were so once.
	disabled, optIn map[string]bool
}

// New makes an account with a default VPC and a few public images, as its home Region has it.
func New(options Options) *World {
	if options.Region == "" {
		options.Region = "eu-west-1"
	}
	if options.Account == "" {
		options.Account = "123456789012"
	}
	if options.Timing == (Timing{}) {
		options.Timing = DefaultTiming()
	}
	home := newWorld(options, &sync.Mutex{}, map[string]*World{})
	home.seedPublicImages()
	for _, name := range options.Regions {
		beside := options
		beside.Region, beside.Emit = name, nil
		beside.Seed = draw.Of(options.Seed, name).Number()
		newWorld(beside, home.mu, home.regions)
	}
	return home
}

// newWorld is one Region of an account.
func newWorld(options Options, mu *sync.Mutex, regions map[string]*World) *World {
	w := &World{
		clock: options.Clock, options: options, mu: mu, regions: regions,
		disabled: map[string]bool{}, optIn: map[string]bool{},
		drawn: draw.Counts{}, buckets: bucket.Set{}, answers: map[string]answered{},
		names: map[string]time.Time{}, tombs: map[string]time.Time{}, tagged: map[string]int{}, keys: map[string]KeyState{},
		usable: map[string]keyUsers{}, closed: map[string]bool{},
		vcpus:     map[string]float64{},
		instances: newStore[instance](options.Lag), volumes: newStore[volume](options.Lag),
		snapshots: newStore[snapshot](options.Lag), images: newStore[image](options.Lag),
		templates: newStore[template](options.Lag), spots: newStore[spotRequest](options.Lag),
		keyPairs: map[string]keyPair{}, profiles: map[string]bool{},
		bin: newStore[binned[image]](0), snapshotBin: newStore[binned[snapshot]](0),
		restores: newStore[fastRestore](options.Lag), fleets: newStore[fleet](options.Lag),
		reports: newStore[usageReport](options.Lag),
	}
	w.service = &query.Service{
		Name:    "ec2",
		Dialect: query.Dialect{Namespace: "http://ec2.amazonaws.com/doc/", Version: "2016-11-15"},
		Clock:   options.Clock, Log: options.Log, Serve: w.serve,
	}
	w.now = w.clock.Now()
	w.network = defaultNetwork(options.Region, options.Account)
	regions[options.Region] = w
	return w
}

// ServeHTTP answers one EC2 API call.
func (w *World) ServeHTTP(out http.ResponseWriter, in *http.Request) { w.service.ServeHTTP(out, in) }

// serve lets one call through throttling and faults to its action.
func (w *World) serve(call *query.Call) error {
	run, ok := actions[call.Action]
	if !ok {
		return query.ErrUnknownAction
	}
	named := resourcesIn(call.Params)
	call.Touch(named...)
	w.lock()
	took := w.takes("call", call.Action, w.options.Timing.Call)
	w.unlock()
	if took > 0 {
		if err := w.clock.Sleep(call.Context, took); err != nil {
			return query.ErrDropped
		}
	}
	w.lock()
	defer w.unlock()
	w.asOf = w.now
	if strings.HasPrefix(call.Action, "Describe") {
		w.asOf = w.now.Add(-w.lag(call))
	}
	if asks(call) {
		return run(w, call)
	}
	faults := w.faultsOf(call, named)
	if err := cmp.Or(w.admit(call, faults), wordsAllowed(call)); err != nil {
		return err
	}
	if err := run(w, call); err != nil {
		return err
	}
	if err := committed(call); err != nil {
		return err
	}
	return afterwards(faults)
}

// committed holds that an action with effects asked before it had them.
func committed(call *query.Call) error {
	switch {
	case call.Committed():
		return nil
	case !reads(call.Action):
		return fmt.Errorf("the action %s has effects that a dry run does not keep back", call.Action)
	}
	return call.Commit()
}

// asks tells whether Auto Scaling only asks whether a template can be launched. Faults are of
// launches, and whether the question costs a token of the account's is not documented.
func asks(call *query.Call) bool { return call.DryRun() && call.Caller == "autoscaling" }

// reads tells whether an action changes nothing.
func reads(action string) bool {
	return strings.HasPrefix(action, "Describe") || strings.HasPrefix(action, "List") || strings.HasPrefix(action, "Get")
}

// lock enters the World and lets everything happen that is due.
func (w *World) lock() {
	w.mu.Lock()
	w.advance(w.clock.Now())
}

// unlock leaves the World, sends the events that came up and sees to the next wake-up.
func (w *World) unlock() {
	w.striking = nil
	w.arm()
	if w.emitting {
		w.mu.Unlock()
		return
	}
	w.emitting = true
	for len(w.outbox) > 0 {
		events := w.outbox
		w.outbox = nil
		w.mu.Unlock()
		for _, e := range events {
			w.options.Emit(e.source, e.detailType, e.resources, e.detail)
		}
		w.mu.Lock()
	}
	w.emitting = false
	w.mu.Unlock()
}

func (w *World) lag(call *query.Call) time.Duration {
	if w.options.Lag == 0 {
		return 0
	}
	return time.Duration(w.chance("lag", call.Caller+" "+query.Stable(call.Form)) * float64(w.options.Lag))
}
