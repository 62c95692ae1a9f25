"""A data set's two splits as folders of pictures, for people and for libraries that read these.

``python -m mnist_robustness.folders DATA_DIR`` writes ``DATA_DIR/{training,testing}/<label>/*.png``
of the IDX files or the arrays that are there; jobs that read the folders see the same images, in
the same order.
"""

from pathlib import Path
from typing import get_args

import click

from mnist_robustness.data import ImageSize, Split, load_split, save_folders


@click.command()
@click.argument("data_dir", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--image-size", type=int, nargs=3, default=(28, 28, 1), help="height, width, channels"
)
def main(data_dir: Path, image_size: ImageSize) -> None:
    """Write both splits; what is there of them already stays."""
    for split in get_args(Split):
        dataset = load_split(data_dir, split, image_size)
        save_folders(dataset, data_dir / split)
        click.echo(f"{len(dataset):,} pictures in {data_dir / split}")


if __name__ == "__main__":
    main()
