"""`doctor`: what is wrong with the installation, and what to do."""

import typer

from alidade.cli import show
from alidade.cli.connect import connect
from alidade.cli.options import FAULTS_FOUND, Context, Namespace, Output, OutputOption


def doctor(
    namespace: Namespace = None, context: Context = None, output: OutputOption = None
) -> None:
    """Say what is wrong with the installation, as far as you may look at it."""
    from dataclasses import asdict

    from alidade.doctor.judgement import judge

    with connect(namespace, context) as client:
        facts = client.facts()
    findings = judge(facts)
    if output in (Output.JSON, Output.YAML):
        unseen = dict(facts.unseen)
        show.data([{"faults": [asdict(each) for each in findings], "unseen": unseen}], output)
    else:
        for each in findings:
            typer.echo(f"✗ {each.what}\n  → {each.remedy}")
        for what, why in facts.unseen.items():
            typer.echo(f"? {what}: not looked at: {why}", err=True)
        if not findings:
            typer.echo("✓ nothing is wrong" + (" in what was looked at" if facts.unseen else ""))
    if findings:
        raise typer.Exit(FAULTS_FOUND)
