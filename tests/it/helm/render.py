"""Helm's own code (its Go SDK, which the package helm-python-sdk brings) on one chart:

render.py CHART RELEASE NAMESPACE [VALUES.yaml]

prints {"lint": [finding...], "manifests": {template: text}, "error": text or null} as JSON,
so that the tests judge it.
"""

import json
import sys

import helm_python as helm


def main() -> None:
    chart_path, release, namespace, *files = sys.argv[1:]
    values = {}
    for file in files:
        with open(file, encoding="utf-8") as text:
            values = helm.values_from_yaml(text.read())
    told = {"version": helm.helm_sdk_version(), "lint": [], "manifests": {}, "error": None}
    try:
        # By the schema first, as `helm install` does.
        with helm.Chart.load(chart_path) as chart:
            chart.validate_schema(chart.merge_values(values))
            told["manifests"] = chart.render(values, name=release, namespace=namespace)
        report = helm.lint(chart_path, values, strict=True, namespace=namespace)
        # 1 is advice, such as the one to have an icon.
        found = [it for it in report["messages"] if it["severity"] > 1]
        told["lint"] = [it["path"] + ": " + it["error"] for it in found]
        told["lint"] += report["errors"]
    except helm.HelmError as error:
        told["error"] = str(error)
    json.dump(told, sys.stdout)


main()
