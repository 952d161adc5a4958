package usage

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"goldsmith/shared/rollout"
)

// parametersMost is how many parameters GetParameters and GetParametersByPath give in one call
// (Systems Manager API reference).
const parametersMost = 10

// aliases are the parameters under Goldsmith's own path that hold an image.
func (g Finder) aliases(ctx context.Context, s *search) error {
	pages := ssm.NewGetParametersByPathPaginator(g.SSM, &ssm.GetParametersByPathInput{
		Path: aws.String(cmp.Or(g.Path, defaultPath)), Recursive: aws.Bool(true), MaxResults: aws.Int32(parametersMost),
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, p := range out.Parameters {
			s.add(aws.ToString(p.Value), "parameter "+aws.ToString(p.Name), "parameter "+aws.ToString(p.Name))
		}
	}
	return nil
}

// resolve turns what templates and groups launch into image ids. An alias without a
// parameter launches nothing; one that may not be read is an error.
func (g Finder) resolve(ctx context.Context, s *search) error {
	var wanted []string
	for _, m := range s.named {
		if name := aliasOf(m.image); name != "" && !slices.Contains(wanted, name) {
			wanted = append(wanted, name)
		}
	}
	values := map[string]string{}
	for names := range slices.Chunk(wanted, parametersMost) {
		if err := g.values(ctx, names, values); err != nil {
			return err
		}
	}
	for _, m := range s.named {
		image := m.image
		if name := aliasOf(image); name != "" {
			image = values[name]
		}
		s.add(image, m.resource, m.why)
	}
	return nil
}

// aliasOf is the parameter, with its version or label, that an ImageId names.
func aliasOf(image string) string {
	if _, _, ok := rollout.Alias(image); !ok {
		return ""
	}
	_, name, _ := strings.Cut(image, "resolve:ssm:")
	return name
}

// values reads parameters; each must come back, or be said not to exist.
func (g Finder) values(ctx context.Context, names []string, values map[string]string) error {
	out, err := g.SSM.GetParameters(ctx, &ssm.GetParametersInput{Names: names})
	if err != nil {
		return err
	}
	for _, p := range out.Parameters {
		selector := aws.ToString(p.Selector)
		values[aws.ToString(p.Name)+selector] = aws.ToString(p.Value)
		values[aws.ToString(p.ARN)+selector] = aws.ToString(p.Value)
	}
	for _, name := range names {
		if _, read := values[name]; !read && !slices.Contains(out.InvalidParameters, name) {
			return fmt.Errorf("parameter %s was left out of the answer", name)
		}
	}
	return nil
}
