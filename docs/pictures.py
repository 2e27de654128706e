"""Take the pictures of README from a finished demo: `python docs/pictures.py http://localhost:3000`, with `make ui` running."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from das_pipeline.settings import Settings
from das_pipeline.stages import STAGES
from tests.browser import chromium

DOCS = Path(__file__).parent
GROUPS = ",".join(f"global@global:{stage.name}" for stage in STAGES if stage.name != "deliveries")  # eleven partners, one like the other


def main(dagster: str) -> None:
    """Write docs/site.png, the website's start page, and docs/graph.png, the asset graph in Dagster."""
    start = Settings.from_environment().home / "releases" / "current" / "site" / "en" / "index.html"
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1200, "height": 1100})
        page.goto(start.as_uri())
        page.screenshot(path=DOCS / "site.png")
        page = browser.new_page(viewport={"width": 2300, "height": 1150})
        page.goto(f"{dagster}/asset-groups/?expanded={GROUPS}", wait_until="networkidle")
        page.get_by_text("Hide navigation").click()
        page.locator("button:near(input)").first.click()  # folds the list of assets away
        page.wait_for_timeout(8_000)  # the graph is laid out by a worker, and moves into place
        page.screenshot(path=DOCS / "graph.png", clip={"x": 0, "y": 0, "width": 2060, "height": 1150})


if __name__ == "__main__":
    main(sys.argv[1])
