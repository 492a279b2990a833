"""A headless Chromium that looks at one page: what is in it, what it logs, what it asks for."""

import base64
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

_OPTIONS = (
    "--headless=new",
    # It runs as root in a container, on pages of our own.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--window-size=1400,1000",
    "--force-device-scale-factor=1",
)


class Browser:
    """One Chromium, and the page that it was given last."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self._driver = driver

    def open(self, path: Path, *, scheme: str = "light") -> None:
        """Load a file, for people who prefer a light or a dark screen."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._command("Emulation.setEmulatedMedia", features=features)
        self._log("performance")
        self._driver.get(path.as_uri())

    def complaints(self) -> list[str]:
        """What the console has since it was last asked: errors, warnings, violated policies."""
        return [entry["message"] for entry in self._log("browser")]

    def requests(self) -> list[str]:
        """The URLs of what was asked for since it was last asked."""
        events = [json.loads(entry["message"]) for entry in self._log("performance")]
        messages = [event["message"] for event in events]
        return [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]

    def evaluate(self, expression: str) -> Any:
        """The value of an expression of JavaScript."""
        return self._driver.execute_script(f"return {expression}")

    def find(self, selector: str) -> WebElement:
        """An element."""
        return self._driver.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        """The text of an element as it is shown; "" where it is hidden."""
        return self.find(selector).text

    def hover(self, x: int, y: int) -> None:
        """Move the pointer to a point of the grid, in pixels from its upper left corner."""
        grid = self.find("#grid")
        self._driver.execute_script("arguments[0].scrollIntoView({block: 'nearest'})", grid)
        size = grid.size
        across, down = x - size["width"] // 2, y - size["height"] // 2
        ActionChains(self._driver).move_to_element_with_offset(grid, across, down).perform()

    def press(self, *keys: str) -> None:
        """Press keys, one after another, wherever the focus is."""
        chain = ActionChains(self._driver)
        for key in keys:
            chain.send_keys(key)
        chain.perform()

    def screenshot(self) -> bytes:
        """What is seen, as PNG."""
        return self._driver.get_screenshot_as_png()

    def print_text(self, folder: Path) -> list[str]:
        """The text of each page as it is printed, without backgrounds, in black on white."""
        self._command("Emulation.setEmulatedMedia", features=[])
        made = self._command("Page.printToPDF", printBackground=False, preferCSSPageSize=True)
        path = folder / "page.pdf"
        path.write_bytes(base64.b64decode(made["data"]))
        done = subprocess.run(
            ["pdftotext", "-layout", path, "-"], capture_output=True, text=True, check=True
        )
        return done.stdout.split("\f")[:-1]

    def _log(self, kind: str) -> list[dict[str, str]]:
        entries: list[dict[str, str]] = self._driver.get_log(kind)  # type: ignore[no-untyped-call]
        return entries

    def _command(self, name: str, **parameters: Any) -> Any:
        return self._driver.execute_cdp_cmd(name, parameters)


@contextmanager
def started() -> Iterator[Browser]:
    """A Chromium of Debian's, until the end of the block."""
    options = webdriver.ChromeOptions()
    for option in _OPTIONS:
        options.add_argument(option)
    options.binary_location = "/usr/bin/chromium"
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService("/usr/bin/chromedriver"))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
