package source

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/job"
	"goldsmith/shared/lineage"
	"goldsmith/shared/tag"
)

// namesakes are, for snapshots of instances that are gone, the snapshot of one that there is and that goes by the same
// name: what a dead instance left would be rolled in the place of the living one's. Of the volumes of dead instances
// only the disks say which are root volumes, so that none of them stands for another.
func namesakes(newest []types.Snapshot, lineages map[string]string, instances map[string]types.Instance,
) map[string]types.Snapshot {
	lives := func(s types.Snapshot) bool {
		i, there := instances[lineages[aws.ToString(s.SnapshotId)]]
		return there && !Ending(State(i))
	}
	living := map[string]types.Snapshot{}
	for _, s := range newest {
		if lives(s) {
			living[nameOf(s, lineages, instances)] = s
		}
	}
	others := map[string]types.Snapshot{}
	for _, s := range newest {
		if other, some := living[nameOf(s, lineages, instances)]; some && !lives(s) {
			others[aws.ToString(s.SnapshotId)] = other
		}
	}
	return others
}

// nameOf is what the source of a snapshot goes by.
func nameOf(s types.Snapshot, lineages map[string]string, instances map[string]types.Instance) string {
	id, tags := aws.ToString(s.SnapshotId), tag.Map(s.Tags)
	if i, there := instances[lineages[id]]; there {
		tags = Inherited(tags, Tags(i))
	}
	if name := Name(tags, id); !lineage.Names(name) {
		return name
	}
	return id
}

// superseded is why a snapshot is left alone for another of its name.
func superseded(s, living types.Snapshot) *job.Reason {
	const text = "%s goes by the same name, and is of an instance that is there. " +
		"To have this one imaged all the same ask for it: tag %s on %s"
	return &job.Reason{Code: job.Superseded,
		Text: fmt.Sprintf(text, aws.ToString(living.SnapshotId), tag.Request, aws.ToString(s.SnapshotId))}
}
