"""A real browser, without a window, for the tests of the pages."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.remote.webelement import WebElement


_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--force-prefers-reduced-motion",
)


@contextlib.contextmanager
def started() -> Iterator[webdriver.Chrome]:
    """Starts Chromium, or skips the test where there is none."""
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (browser and driver):
        pytest.skip("no chromium and chromedriver on the path: Debian's packages")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in _FLAGS:
        options.add_argument(flag)
    options.set_capability(
        "goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"}
    )
    service = Service(executable_path=driver)  # given: nothing is downloaded
    chrome = webdriver.Chrome(options=options, service=service)
    try:
        yield chrome
    finally:
        chrome.quit()


def open_page(chrome: webdriver.Chrome, path: Path, width: int = 1200) -> None:
    """Opens a file in a window of this width, anew."""
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    chrome.get(path.as_uri())


def touch(chrome: webdriver.Chrome, element: WebElement) -> None:
    """Touches the middle of an element, as a finger on a screen does."""
    place = chrome.execute_script(
        """arguments[0].scrollIntoView({block: "center", inline: "center"});
        const box = arguments[0].getBoundingClientRect();
        return {x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2}""",
        element,
    )
    chrome.execute_cdp_cmd(
        "Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 1}
    )
    for kind, points in (("touchStart", [place]), ("touchEnd", [])):
        chrome.execute_cdp_cmd(
            "Input.dispatchTouchEvent", {"type": kind, "touchPoints": points}
        )
    chrome.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})


def overflow(chrome: webdriver.Chrome) -> int:
    """Returns by how much the page is wider than its window."""
    script = "return document.documentElement.scrollWidth - window.innerWidth"
    return chrome.execute_script(script)


def errors(chrome: webdriver.Chrome) -> list[str]:
    """Returns what the console has said since the last call."""
    return [entry["message"] for entry in chrome.get_log("browser")]


def requests(chrome: webdriver.Chrome) -> list[str]:
    """Returns every address asked for since the last call."""
    messages = [entry["message"] for entry in chrome.get_log("performance")]
    return [text for text in messages if '"Network.requestWillBeSent"' in text]
