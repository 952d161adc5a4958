// Package account is an account of the embedded AWS: its services, wired to each other, in its own Region and in those
// that it has enabled besides, all behind one endpoint.
package account

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"goldsmith/local/clock"
	"goldsmith/local/dynamodb"
	"goldsmith/local/ebs"
	"goldsmith/local/ec2"
	"goldsmith/local/inject"
	"goldsmith/local/organizations"
	"goldsmith/local/query"
	"goldsmith/local/s3"
	"goldsmith/local/secretsmanager"
	"goldsmith/local/servicequotas"
	"goldsmith/local/sns"
	"goldsmith/local/sts"
)

// Options say what kind of account it is. Clock, ID and Region are required.
type Options struct {
	Clock      *clock.Clock
	Seed       uint64
	ID, Region string
	// Log receives every call.
	Log *query.Log
	// Emit receives every event of the account's own Region; it is called without locks.
	Emit func(source, detailType string, resources []string, detail any)
	// EC2 is how EC2 behaves, and which Regions the account has besides; its clock, seed, account and wiring are filled
	// in.
	EC2 ec2.Options
	// Managed says whether an instance's agent has registered at Systems Manager. Nil: EC2 says it.
	Managed func(instance string) bool
}

// Account is an account and its own Region. It is an http.Handler: the embedded AWS's endpoint.
type Account struct {
	*Region
	EBS     *ebs.Service
	Secrets *secretsmanager.Store
	Tables  *dynamodb.Store
	Topics  *sns.Service
	Buckets *s3.Service
	// Organizations says which organization the account is in.
	Organizations *organizations.Service
	// Beside are the account's other Regions, by name.
	Beside map[string]*Region

	options Options
	faults  inject.Set
	// disabled are the names of Regions that the account had, and has disabled.
	disabled sync.Map
}

// New makes an account with nothing in it but what EC2 gives each. Close stops it.
func New(o Options) *Account {
	o.EC2.Clock, o.EC2.Seed, o.EC2.Region, o.EC2.Account, o.EC2.Log = o.Clock, o.Seed, o.Region, o.ID, o.Log
	o.EC2.Emit = o.Emit
	world := ec2.New(o.EC2)
	a := &Account{Region: newRegion(o, o.Region, world, o.Emit), Beside: map[string]*Region{}, options: o}
	for _, name := range o.EC2.Regions {
		a.Beside[name] = newRegion(o, name, world.In(name), nil)
	}
	a.EBS = ebs.New(ebs.Options{Clock: o.Clock, EC2: world, Log: o.Log})
	a.Secrets = secretsmanager.New(secretsmanager.Options{Clock: o.Clock, Region: o.Region, Account: o.ID, Log: o.Log})
	a.Tables = dynamodb.NewStore(dynamodb.StoreOptions{Clock: o.Clock, Region: o.Region, Account: o.ID, Log: o.Log})
	a.Topics = sns.New(sns.Options{Clock: o.Clock, Region: o.Region, Account: o.ID, Log: o.Log})
	a.Buckets = s3.New(s3.Options{Clock: o.Clock, Region: o.Region, Account: o.ID, Log: o.Log})
	a.Organizations = organizations.New(organizations.Options{Clock: o.Clock, Log: o.Log})
	maps.Copy(a.services, map[string]http.Handler{
		"ebs": a.EBS, "secretsmanager": a.Secrets, "dynamodb": a.Tables, "sns": a.Topics, "s3": a.Buckets,
		"organizations": a.Organizations,
		"sts":           sts.New(sts.Options{Account: o.ID, Clock: o.Clock, Log: o.Log}),
		"servicequotas": servicequotas.New(servicequotas.Options{
			Clock: o.Clock, EC2: world, Region: o.Region, Account: o.ID, Log: o.Log,
		}),
	})
	return a
}

// Serve puts one more service into the account's own Region, by the name that requests are signed for.
func (a *Account) Serve(service string, h http.Handler) { a.services[service] = h }

// Inject makes calls of any service go wrong at the endpoint. What goes wrong within EC2 is injected there.
func (a *Account) Inject(f inject.Fault) { a.faults.Inject(f) }

// Forget takes back the faults of an operation.
func (a *Account) Forget(operation string) { a.faults.Forget(operation) }

// Enable enables one of the account's other Regions again, or disables it: no service there knows its credentials then.
func (a *Account) Enable(region string, enabled bool) {
	if enabled {
		a.disabled.Delete(region)
	} else {
		a.disabled.Store(region, true)
	}
	a.EC2.Enable(region, enabled)
}

// Close stops what goes on by itself.
func (a *Account) Close() {
	a.AutoScaling.Close()
	for _, r := range a.Beside {
		r.AutoScaling.Close()
	}
}

// everywhere are services with one Region for all, or that answer the same in each.
var everywhere = map[string]bool{"sts": true, "organizations": true}

// ServeHTTP is the embedded AWS on one endpoint: a request's signature names the service and the Region that it is for.
func (a *Account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	region, service := SignedFor(r)
	ctx, work := a.options.Clock.Begin(r.Context())
	defer work.End()
	r = r.WithContext(ctx)
	// Clients go by AWS's time, not by their own: the SDK corrects its clock by it.
	w.Header().Set("Date", a.options.Clock.Now().Format(http.TimeFormat))
	if err := arrived(w, r); err != nil {
		if no, ok := errors.AsType[*refusal](err); ok {
			no.ServeHTTP(w, r)
		}
		return
	}
	h := a.service(r, region, service)
	if a.faults.Empty() {
		h.ServeHTTP(w, r)
		return
	}
	Strike(a.faults.Strike(inject.Call{Action: Operation(r), At: a.options.Clock.Now()}), h, w, r)
}

// Strike has a service answer a request as far as faults let it.
func Strike(striking inject.Struck, h http.Handler, w http.ResponseWriter, r *http.Request) {
	if f, strikes := striking.Before(); strikes {
		refuse(w, r, f)
		return
	}
	f, strikes := striking.After()
	if !strikes {
		h.ServeHTTP(w, r)
		return
	}
	h.ServeHTTP(httptest.NewRecorder(), r)
	if f.Drop {
		panic(http.ErrAbortHandler) // How a net/http server hangs up.
	}
	refuse(w, r, f)
}

// refuse answers with a fault's error.
func refuse(w http.ResponseWriter, r *http.Request, f inject.Fault) {
	Refuse(w, r, cmp.Or(f.Status, http.StatusBadRequest), f.Code, cmp.Or(f.Message, "An injected fault."))
}

// service is what answers a request: a service of the Region that it is for, or a refusal.
func (a *Account) service(r *http.Request, region, service string) http.Handler {
	h, ok := a.services[service]
	_, disabled := a.disabled.Load(region)
	switch {
	case !ok:
		return a.unknown(r, service)
	case disabled && !everywhere[service]:
		return a.elsewhere(region, service)
	case region == a.options.Region || everywhere[service]:
		return h
	case a.Beside[region] != nil && a.Beside[region].services[service] != nil:
		return a.Beside[region].services[service]
	}
	return a.elsewhere(region, service)
}

// elsewhere refuses a request in a Region that the account has not enabled, or that has no such service. AWS does not
// know the credentials there (User Guide of IAM, "Managing AWS STS in an AWS Region"; EC2 error codes, AuthFailure).
func (a *Account) elsewhere(region, service string) *refusal {
	code := "UnrecognizedClientException"
	if service == "ec2" {
		code = "AuthFailure"
	}
	return &refusal{http.StatusUnauthorized, code, fmt.Sprintf(
		"The embedded AWS is in %s; in %q it has no service %q for this account.", a.options.Region, region, service)}
}

// SignedFor are the Region and the service in a Signature Version 4 credential scope:
// Credential=KEY/DATE/REGION/SERVICE/aws4_request. Signatures are not checked.
func SignedFor(r *http.Request) (region, service string) {
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	if scope == "" {
		scope = r.URL.Query().Get("X-Amz-Credential")
	}
	parts := strings.Split(scope, "/")
	if len(parts) < 4 {
		return "", ""
	}
	return parts[2], parts[3]
}
