"""Write the CustomResourceDefinitions of the models to the folders given."""

import sys
from pathlib import Path

import yaml

from alidade_core.api.crd import RESOURCES, custom_resource_definition


class _Dumper(yaml.SafeDumper):
    """Writes what two places share in both: YAML's anchors are hard to read and to diff."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def main(folders: list[str]) -> None:
    """Write one file a resource into each folder."""
    for resource in RESOURCES:
        manifest = custom_resource_definition(resource)
        text = yaml.dump(manifest, Dumper=_Dumper, sort_keys=False, width=100)
        for folder in folders:
            path = Path(folder) / f"{resource.definition.plural}.{manifest['spec']['group']}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"# Generated from the models by `make generate`.\n{text}")


if __name__ == "__main__":
    main(sys.argv[1:])
