// Package servicequotas is the embedded Service Quotas, as far as it says how many vCPUs may run at a time.
package servicequotas

import (
	"net/http"
	"regexp"

	"goldsmith/local/awsjson"
	"goldsmith/local/clock"
	"goldsmith/local/ec2"
	"goldsmith/local/query"
)

// Options set a service up. All are required but Log.
type Options struct {
	Clock *clock.Clock
	// EC2 has the quotas.
	EC2             *ec2.World
	Region, Account string
	Log             *query.Log
}

// New answers GetServiceQuota.
func New(o Options) http.Handler {
	return &awsjson.Service{
		Name: "servicequotas", Target: "ServiceQuotasV20190624", Clock: o.Clock, Log: o.Log,
		Operations: map[string]awsjson.Operation{
			"GetServiceQuota": awsjson.Op(o.get, func(in getInput) []string { return []string{in.QuotaCode} }),
		},
	}
}

type getInput struct {
	ServiceCode, QuotaCode string
}

type getOutput struct {
	Quota quota
}

type quota struct {
	Adjustable, GlobalQuota bool
	QuotaArn                string
	QuotaCode               string
	QuotaName               string
	ServiceCode             string
	ServiceName             string
	Unit                    string
	Value                   float64
}

// code is what a quota's code and a service's code look like (API reference, GetServiceQuota).
var code = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9-]{0,127}$`)

func (o Options) get(in getInput) (out getOutput, err error) {
	for member, value := range map[string]string{"serviceCode": in.ServiceCode, "quotaCode": in.QuotaCode} {
		switch {
		case value == "":
			return out, awsjson.Required(member)
		case !code.MatchString(value):
			return out, awsjson.Errorf("IllegalArgumentException", "Invalid value for %s", member)
		}
	}
	name, value, known := o.EC2.Quota(in.QuotaCode)
	if !known || in.ServiceCode != "ec2" {
		return out, awsjson.Errorf("NoSuchResourceException",
			"The request failed because the specified service quota does not exist.")
	}
	return getOutput{quota{
		Adjustable: true, QuotaArn: "arn:aws:servicequotas:" + o.Region + ":" + o.Account + ":ec2/" + in.QuotaCode,
		QuotaCode: in.QuotaCode, QuotaName: name, ServiceCode: "ec2",
		ServiceName: "Amazon Elastic Compute Cloud (Amazon EC2)", Unit: "None", Value: value,
	}}, nil
}
