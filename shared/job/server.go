package job

// MaxAddresses is how many addresses of a server are kept: an instance may have thousands, and a job has to fit into
// what Step Functions carries.
const MaxAddresses = 100

// Server is what an instance is besides its disks: what another one would have to be in its place. It is as EC2 showed
// it when its image was begun. User data is not among it, since it may hold secrets.
type Server struct {
	Type string `json:"type,omitempty"`
	// Zone, VPC and Subnet are where it runs; its interfaces may lie in other subnets of the zone.
	Zone   string `json:"zone,omitempty"`
	VPC    string `json:"vpc,omitempty"`
	Subnet string `json:"subnet,omitempty"`
	// Spot is whether it is a Spot instance.
	Spot bool `json:"spot,omitempty"`
	// Tenancy is empty where it shares its hardware; Host is a Dedicated Host's id. Placement is the name of a placement
	// group, Partition its part of one.
	Tenancy   string `json:"tenancy,omitempty"`
	Host      string `json:"host,omitempty"`
	Placement string `json:"placement,omitempty"`
	Partition int    `json:"partition,omitempty"`
	// Profile is the ARN of its instance profile, Key the name of its key pair.
	Profile string `json:"profile,omitempty"`
	Key     string `json:"key,omitempty"`
	// Interfaces are its network interfaces, the first one first.
	Interfaces []Interface `json:"interfaces,omitempty"`
	// More is how many further addresses it has, where it has more than MaxAddresses.
	More int `json:"more,omitempty"`
	// Metadata is how it may ask for its metadata; zero where EC2 does not say.
	Metadata Metadata `json:"metadata,omitzero"`
	// Optimized is whether it is EBS-optimized, Monitored whether it is watched each minute.
	Optimized bool `json:"optimized,omitempty"`
	Monitored bool `json:"monitored,omitempty"`
}

// Interface is a network interface of an instance.
type Interface struct {
	ID     string `json:"id"`
	Device int    `json:"device"`
	Subnet string `json:"subnet,omitempty"`
	// Private are its private addresses, the primary one first. Elastic are those of them that an Elastic address leads
	// to, and which.
	Private []string          `json:"private,omitempty"`
	Elastic map[string]string `json:"elastic,omitempty"`
	V6      []string          `json:"v6,omitempty"`
	// Groups are ids of security groups.
	Groups []string `json:"groups,omitempty"`
	// Stays is whether it is kept when the instance is terminated, Forwards whether it takes what is not for it.
	Stays    bool `json:"stays,omitempty"`
	Forwards bool `json:"forwards,omitempty"`
}

// Metadata is how an instance may ask for its metadata.
type Metadata struct {
	Endpoint string `json:"endpoint,omitempty"`
	Tokens   string `json:"tokens,omitempty"`
	Hops     int    `json:"hops,omitempty"`
	Tags     string `json:"tags,omitempty"`
}
