// Whether Flux would take a manifest: reads one YAML document from stdin and decodes it strictly into Flux's own types.
package main

import (
	"fmt"
	"io"
	"os"

	kustomize "github.com/fluxcd/kustomize-controller/api/v1"
	source "github.com/fluxcd/source-controller/api/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

func main() {
	text, err := io.ReadAll(os.Stdin)
	if err == nil {
		err = decode(text)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func decode(text []byte) error {
	var meta metav1.TypeMeta
	if err := yaml.Unmarshal(text, &meta); err != nil {
		return err
	}
	known := map[string]any{
		kustomize.GroupVersion.String() + "/Kustomization": &kustomize.Kustomization{},
		source.GroupVersion.String() + "/OCIRepository":    &source.OCIRepository{},
	}
	into, found := known[meta.APIVersion+"/"+meta.Kind]
	if !found {
		return fmt.Errorf("%s %s is no kind of Flux", meta.APIVersion, meta.Kind)
	}
	return yaml.UnmarshalStrict(text, into)
}
