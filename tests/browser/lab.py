"""JupyterLab in a headless Chromium, used as a person uses it."""

import json
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx
from selenium.webdriver import Chrome, ChromeOptions, ChromeService, Keys
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import element_to_be_clickable
from selenium.webdriver.support.wait import WebDriverWait

from tests.support.polling import PATIENCE_SECONDS, eventually

NOTEBOOK: Final = "mnist/demo.ipynb"
_SIZE: Final = (1400, 1300)
_SCROLLED: Final = ".jp-Notebook .jp-WindowedPanel-outer"

Body = dict[str, Any]


class Lab:
    """A browser with the notebook open in it.

    Args:
        browser: The browser.
        address: Where JupyterLab is, with the token.
    """

    def __init__(self, browser: Chrome, address: str) -> None:
        self._browser = browser
        self._address = urlsplit(address)
        browser.get(address)
        self._until_there("//*[contains(@class, 'jp-Notebook-ExecutionIndicator')]")

    def run_all(self) -> None:
        """Run all cells, by the menu, and wait until the last one has ended."""
        self._click("//*[@id='jp-MainMenu']//*[text()='Run']")
        self._click("//li[@data-command='runmenu:run-all']")
        eventually(self._all_have_run)

    def _all_have_run(self) -> bool:
        (kernel,) = self._ask("kernels")
        # Between two cells it is idle as well.
        return kernel["execution_state"] == "idle" and _last(self.saved()) is not None

    def saved(self) -> Body:
        """Save the notebook; return it as it is then."""
        keys = ActionChains(self._browser)
        keys.key_down(Keys.CONTROL).send_keys("s").key_up(Keys.CONTROL).perform()
        # JupyterLab takes a file that is read while it is written for a broken one.
        eventually(lambda: not self._browser.find_elements(By.CSS_SELECTOR, ".jp-mod-dirty"))
        content: Body = self._ask(f"contents/{NOTEBOOK}")["content"]
        return content

    def _ask(self, what: str) -> Any:
        """Return what Jupyter's REST API answers."""
        parts = self._address
        (token,) = parse_qs(parts.query)["token"]
        answer = httpx.get(
            f"{parts.scheme}://{parts.netloc}/api/{what}",
            headers={"Authorization": f"token {token}"},
            timeout=PATIENCE_SECONDS,
        )
        return answer.raise_for_status().json()

    def look_through(self, folder: Path) -> list[Body]:
        """Scroll from top to bottom, with a picture of each screen; return the images seen whole.

        Of each image it is said in which cell it is, and how wide it is on the screen.
        """
        seen: list[Body] = []
        place = 0
        for number in range(1, 100):
            reached = self._scroll(place)
            self._browser.save_screenshot(str(folder / f"screen-{number:02}.png"))
            seen += self._images()
            if reached < place:
                return seen
            place += _SIZE[1] // 4
        raise AssertionError(f"the notebook has no end: {place} pixels")

    def _scroll(self, place: int) -> int:
        script = f"""
            const done = arguments[arguments.length - 1];
            const panel = document.querySelector({json.dumps(_SCROLLED)});
            panel.scrollTop = {place};
            setTimeout(() => done(Math.ceil(panel.scrollTop)), 500);
        """
        reached: int = self._browser.execute_async_script(script)
        return reached

    def _images(self) -> list[Body]:
        script = """
            return [...document.querySelectorAll('.jp-CodeCell .jp-RenderedImage img')]
              .filter((image) => image.complete)
              .map((image) => [image, image.getBoundingClientRect()])
              .filter(([_, at]) => at.top >= 0 && at.bottom <= window.innerHeight)
              .map(([image, at]) => ({
                cell: image.closest('.jp-CodeCell').querySelector('.cm-content').innerText,
                width: at.width,
              }));
        """
        found: list[Body] = self._browser.execute_script(script)
        return found

    def _click(self, path: str) -> None:
        waiting = WebDriverWait(self._browser, PATIENCE_SECONDS)
        waiting.until(element_to_be_clickable((By.XPATH, path))).click()

    def _until_there(self, path: str) -> None:
        waiting = WebDriverWait(self._browser, PATIENCE_SECONDS)
        waiting.until(lambda browser: browser.find_elements(By.XPATH, path))


def chromium(profile: Path) -> Chrome:
    """Start a headless Chromium, with a new profile."""
    options = ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in (
        "--headless=new",
        # Tests run as root in containers, where Chromium's own sandbox cannot be.
        "--no-sandbox",
        "--disable-dev-shm-usage",
        f"--window-size={_SIZE[0]},{_SIZE[1]}",
        f"--user-data-dir={profile}",
    ):
        options.add_argument(argument)
    return Chrome(options, ChromeService("/usr/bin/chromedriver"))


def _last(notebook: Body) -> int | None:
    """Return the number of the last cell's execution; None: it was not executed."""
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    number: int | None = cells[-1]["execution_count"]
    return number
