"""Write the CustomResourceDefinitions of the models to the folders given."""

import sys
from pathlib import Path

import yaml

from alidade.api.crd import RESOURCES, custom_resource_definition


def main(folders: list[str]) -> None:
    """Write one file a resource into each folder."""
    for resource in RESOURCES:
        manifest = custom_resource_definition(resource)
        text = yaml.safe_dump(manifest, sort_keys=False, width=100)
        for folder in folders:
            path = Path(folder) / f"{resource.definition.plural}.{manifest['spec']['group']}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"# Generated from the models by `make generate`.\n{text}")


if __name__ == "__main__":
    main(sys.argv[1:])
