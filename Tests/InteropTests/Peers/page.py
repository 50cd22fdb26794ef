"""Tests the server's page in a real browser: headless Chromium, by way of selenium and the DevTools protocol.

python page.py BASE_URL WORK_FOLDER --dir STORAGE_FOLDER [--token TOKEN] [--screenshots FOLDER]

The server runs already, and stores in STORAGE_FOLDER. Prints a line for each step; ends with 0 only if all hold.
"""
import argparse
import base64
import hashlib
import json
import os
import shutil
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

MB = 1_000_000
NAMED_ROLES = {"button", "link", "textbox", "searchbox", "progressbar", "ProgressIndicator", "table", "region"}
# What each row of an upload says.
UPLOADS = """
    return Array.from(document.querySelectorAll(".upload"), row => ({
        path: row.querySelector(".name").textContent, state: row.dataset.state,
        details: row.querySelector(".details").textContent.replaceAll("\\u00a0", " "),
        href: row.querySelector(".details a")?.getAttribute("href") ?? null,
        sent: row.querySelector("progress").value,
    }));
"""
LISTED = """
    return Object.fromEntries(Array.from(document.querySelectorAll("#file-rows tr"), row =>
        [row.querySelector("a").textContent, {
            size: row.querySelector(".size").title, href: row.querySelector("a").href,
        }]));
"""


class Failure(Exception):
    """What does not hold, for people."""


def check(holds: Any, message: str) -> None:
    if not holds:
        raise Failure(message)


class Page:
    """The page in a browser."""

    def __init__(self, base: str, storage: Path, work: Path) -> None:
        self.base, self.storage, self.work = base.rstrip("/"), storage, work
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or ""
        for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1280,900"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options, Service(shutil.which("chromedriver")))
        self.driver.set_page_load_timeout(30)
        # Parts of the console's messages about what a step breaks on purpose.
        self.expected_errors: list[str] = []

    def cdp(self, method: str, **parameters: Any) -> Any:
        return self.driver.execute_cdp_cmd(method, parameters)

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def element(self, selector: str) -> Any:
        """Waits until there is one: what the server has done already, the page may not have been told yet."""
        return self.wait(f"there is {selector}", lambda: self.driver.find_elements("css selector", selector))[0]

    def open(self) -> None:
        self.driver.get(self.base + "/")

    def wait(self, what: str, condition: Callable[[], Any], seconds: float = 30) -> Any:
        """What the condition gives, as soon as it is true."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if value := condition():
                    return value
            except StaleElementReferenceException:
                pass  # Another page has come in between.
            time.sleep(0.05)
        said = {upload["path"]: upload["details"] for upload in self.run(UPLOADS)[:8]}
        raise Failure(f"not within {seconds:g} s: {what}; the page says {said}")

    def drop(self, *paths: Path) -> None:
        """What a browser does with files dragged from a file manager."""
        data = {"items": [], "files": [str(path.resolve()) for path in paths], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver"):
            self.cdp("Input.dispatchDragEvent", type=kind, x=300, y=200, data=data)
        check(self.run("return document.documentElement.matches('.dragging')"), "no highlight while dragging")
        self.cdp("Input.dispatchDragEvent", type="drop", x=300, y=200, data=data)
        check(not self.run("return document.documentElement.matches('.dragging')"), "the highlight stays")

    def throttle(self, upload: float = -1, offline: bool = False) -> None:
        """Bytes per second. -1 is as fast as it goes."""
        self.cdp("Network.enable")
        self.cdp("Network.emulateNetworkConditions", offline=offline, latency=0, downloadThroughput=-1,
                 uploadThroughput=upload)

    def upload(self, path: str) -> dict[str, Any]:
        """The newest one of this path, or nothing."""
        return next((each for each in self.run(UPLOADS) if each["path"] == path), {})

    def wait_stored(self, *paths: str) -> list[dict[str, Any]]:
        def stored(path: str) -> dict[str, Any] | None:
            upload = self.upload(path)
            check(upload.get("state") != "failed", f"{path} failed: {upload.get('details')}")
            return upload if upload.get("state") == "stored" else None
        return [self.wait(f"{path} is stored", lambda path=path: stored(path), 60) for path in paths]

    def clear(self) -> None:
        """Of finished uploads, so that the next step sees its own only."""
        self.wait("all uploads end", lambda: not self.driver.find_elements("css selector", "#pending > li"))
        self.run("document.querySelector('#clear').click()")
        self.wait("the uploads are cleared", lambda: not self.run(UPLOADS))

    def make(self, name: str, size: int, sparse: bool = False) -> Path:
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if sparse:
            with path.open("wb") as file:
                file.truncate(size)
        else:
            path.write_bytes(os.urandom(size))
        return path

    def unfinished(self) -> list[Path]:
        """What the server has of uploads that are not complete."""
        return [path for path in self.storage.glob(".*") if not (path / "answer").exists()]

    def requested_urls(self) -> set[str]:
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return {message["params"]["request"]["url"] for message in messages
                if message["method"] == "Network.requestWillBeSent"}

    def check_saved(self, source: Path, name: str) -> None:
        saved = self.storage / name
        check(saved.is_file(), f"{name} is not in the storage folder")
        check(digest(saved.read_bytes()) == digest(source.read_bytes()), f"{name} differs from what was sent")

    def check_names(self) -> None:
        """Everything that is operated or read has a name for assistive technology."""
        nodes = self.cdp("Accessibility.getFullAXTree")["nodes"]
        found = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes
                 if not node["ignored"]]
        nameless = [role for role, name in found if role in NAMED_ROLES and not name.strip()]
        check(not nameless, f"without a name: {nameless}")
        check({"button", "link"} <= {role for role, _ in found}, f"not in the accessibility tree: {found}")


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def use_token(page: Page, token: str) -> str:
    source = page.make("with a token.bin", 100_000)
    page.drop(source)
    error = lambda: page.element("#token-error").text
    page.wait("the page asks for the token", lambda: "token" in error())
    check(page.element("#token").get_attribute("aria-invalid") == "true", "the field is not marked as invalid")
    check(not (page.storage / source.name).exists(), "stored without a token")
    page.expected_errors.append("401")
    first = error()
    page.element("#token").send_keys("wrong" + Keys.ENTER)
    page.wait("the page says that the token is wrong", lambda: error() not in ("", first))
    page.element("#token").clear()
    page.element("#token").send_keys(token + Keys.ENTER)
    page.wait_stored(source.name)
    page.check_saved(source, source.name)
    check(error() == "", "the error stays")
    page.driver.refresh()
    check(page.element("#token").get_attribute("value") == token, "a reload loses the token")
    return "without a token and with a wrong one, the field says so; with the right one, the file is stored"


def drop_files(page: Page) -> str:
    sources = [page.make("measurements.bin", 20 * MB), page.make("Größe der Welt – 你好 %41.bin", 12_345)]
    page.drop(*sources)
    uploads = page.wait_stored(*(source.name for source in sources))
    for source, upload in zip(sources, uploads):
        page.check_saved(source, source.name)
        check(f"stored as {source.name}" in upload["details"], f"not told where it is: {upload}")
        size = f"{source.stat().st_size:,} bytes"
        shown = page.wait(f"{source.name} is listed", lambda name=source.name: page.run(LISTED).get(name))
        check(shown["size"] == size, f"the list says {shown['size']} for {size}")
        for href in (shown["href"], page.base + upload["href"]):
            with urllib.request.urlopen(href, timeout=30) as answer:
                check(digest(answer.read()) == digest(source.read_bytes()), f"{href} gives something else")
    return "two files dropped, one of 20 MB, one with a name that is not ASCII: stored, listed, given out"


def drop_folder(page: Page) -> str:
    names = ["album/cover.jpg", "album/notes/empty.txt", "album/notes/deep/er/list.csv"]
    names += [f"album/many/track {number}.bin" for number in range(130)]
    sources = {name: page.make(name, 0 if "empty" in name else 2_000) for name in names}
    page.drop(page.work / "album")
    page.wait("all files of the folder are stored", lambda: all((page.storage / path.name).exists()
                                                                for path in sources.values()), 60)
    for source in sources.values():
        page.check_saved(source, source.name)
    page.wait("the page has stored them", lambda: f"{len(names)} files stored" in page.element("#summary").text)
    check(len(page.run(UPLOADS)) <= 120, "finished uploads are not gathered")
    return f"a folder dropped, with folders inside: {len(names)} files, one of them empty"


def pick(page: Page) -> str:
    source, folder = page.make("picked.txt", 5_000), page.make("picked folder/inside/leaf.txt", 6_000)
    page.element("#file-input").send_keys(str(source.resolve()))
    page.element("#folder-input").send_keys(str((page.work / "picked folder").resolve()))
    page.wait_stored("picked.txt", "picked folder/inside/leaf.txt")
    page.check_saved(source, "picked.txt")
    page.check_saved(folder, "leaf.txt")
    return "a file and a folder picked"


def rename(page: Page) -> str:
    first = page.make("a.txt", 1_000)
    page.drop(first)
    page.wait_stored("a.txt")
    page.clear()
    second = page.make("again/a.txt", 2_000)
    page.drop(second)
    upload = page.wait_stored("a.txt")[0]
    check("stored as a (1).txt" in upload["details"] and "renamed" in upload["details"], f"not told: {upload}")
    page.check_saved(second, "a (1).txt")
    return "a name that exists: the page says what the file is called instead"


def cancel(page: Page) -> str:
    before = set(page.storage.glob("[!.]*"))
    page.throttle(upload=400_000)
    page.drop(page.make("unwanted.bin", 40 * MB), page.make("wanted.bin", 3 * MB))
    first = page.wait("progress is shown", lambda: 0 < page.upload("unwanted.bin").get("sent", 0) < 0.9
                      and "B/s" in page.upload("unwanted.bin")["details"] and page.upload("unwanted.bin"))
    percent = lambda upload: int(upload["details"].split("%")[0])
    page.wait("the percentage grows", lambda: percent(page.upload("unwanted.bin")) > percent(first))
    page.wait("the time left is shown", lambda: "left" in page.upload("unwanted.bin")["details"])
    check("of 2 files" in page.element("#summary").text, "no summary")
    check("%" in page.driver.title, "no progress in the title")
    check(page.run("const leaving = new Event('beforeunload', {cancelable: true}); window.dispatchEvent(leaving);"
                   "return leaving.defaultPrevented"), "no warning before leaving")
    page.check_names()
    page.element('button[aria-label="Cancel: unwanted.bin"]').click()
    page.wait("it is cancelled", lambda: page.upload("unwanted.bin").get("state") == "cancelled")
    page.throttle()
    page.wait_stored("wanted.bin")
    page.check_saved(page.work / "wanted.bin", "wanted.bin")
    page.wait("nothing of the cancelled file stays", lambda: not page.unfinished())
    check(set(page.storage.glob("[!.]*")) - before == {page.storage / "wanted.bin"}, "more than one file is stored")
    return "progress moves; a cancelled upload leaves nothing, the other one is stored"


def lose_server(page: Page) -> str:
    page.expected_errors += ["ERR_INTERNET_DISCONNECTED", "ERR_BLOCKED"]

    def wait_for_notice() -> None:
        page.wait("the page says so", lambda: "Still to be sent: 1 file" in page.element("#notice").text)

    page.throttle(offline=True)
    source = page.make("patient.bin", 50_000)
    page.drop(source)
    wait_for_notice()
    page.throttle()
    page.wait_stored("patient.bin")
    page.check_saved(source, "patient.bin")
    page.cdp("Network.setBlockedURLs", urls=["*"])
    source = page.make("impatient.bin", 50_000)
    page.drop(source)
    wait_for_notice()
    page.cdp("Network.setBlockedURLs", urls=[])
    page.element("#notice-button").click()
    page.wait_stored("impatient.bin")
    page.check_saved(source, "impatient.bin")
    return "without a connection the page says so, and goes on when there is one, or when told to"


def use_keyboard(page: Page) -> str:
    def tab_to(selector: str) -> None:
        for _ in range(60):
            ActionChains(page.driver).send_keys(Keys.TAB).perform()
            style = page.run("const focused = document.activeElement, style = getComputedStyle(focused); return ["
                             "focused.matches(arguments[0]), focused === document.body ||"
                             "focused.matches(':focus-visible') && style.outlineStyle !== 'none']", selector)
            check(style[1], "the focus is not visible")
            if style[0]:
                return
        raise Failure(f"{selector} is not reached with the Tab key")

    page.open()
    page.wait("the list is shown", lambda: page.run(LISTED))
    tab_to("#pick-files")
    tab_to('#files button[data-key="size"]')
    ActionChains(page.driver).send_keys(Keys.ENTER).perform()
    check(page.run("return document.activeElement.closest('th').ariaSort") == "descending", "Enter does not sort")
    titles = page.run("return Array.from(document.querySelectorAll('#file-rows .size'), cell => cell.title)")
    sizes = [int(title.split()[0].replace(",", "")) for title in titles]
    check(sizes == sorted(sizes, reverse=True), f"not sorted by size: {sizes}")
    tab_to("#file-rows a")
    page.element("#filter").send_keys("TRACK 12")
    page.wait("the list is filtered", lambda: set(page.run(LISTED)) >= {"track 12.bin", "track 129.bin"}
              and all("track 12" in name for name in page.run(LISTED)))
    page.check_names()
    return "everything has a name, the Tab key reaches it with visible focus, and Enter and typing operate it"


def narrow(page: Page) -> str:
    page.cdp("Emulation.setDeviceMetricsOverride", width=320, height=700, deviceScaleFactor=1, mobile=True)
    page.drop(page.make("a-long-name-without-a-space-" + "x" * 160 + ".txt", 1_000))
    page.wait("it is shown", lambda: any(each["state"] == "stored" for each in page.run(UPLOADS)))
    check(page.run("return document.documentElement.scrollWidth <= 320"), "the page scrolls sideways")
    small = page.run("""
        return Array.from(document.querySelectorAll("button, input, .files a"), control => {
            const {width, height} = control.getBoundingClientRect();
            return [control.id || control.textContent, width, height];
        }).filter(([, width, height]) => height > 0 && (height < 44 || width < 20));""")
    check(not small, f"too small to touch: {small}")
    page.cdp("Emulation.clearDeviceMetricsOverride")
    return "320 pixels wide, with a long name: nothing scrolls sideways, and controls are 44 pixels high"


def do_without_script(page: Page) -> str:
    page.cdp("Emulation.setScriptExecutionDisabled", value=True)
    page.open()
    source = page.make("plain & simple <form>.txt", 70_000)
    page.element("#file-input").send_keys(str(source.resolve()))
    page.element("noscript button").click()
    page.wait("the answer names the file", lambda: source.name in page.element("main").text)
    page.check_saved(source, source.name)
    href = page.element("table.files a").get_attribute("href")
    with urllib.request.urlopen(href, timeout=30) as answer:
        check(digest(answer.read()) == digest(source.read_bytes()), f"{href} gives something else")
    page.driver.get(page.base + "/files")
    check(source.name in page.element("table.files").text, "the list's page does not name the file")
    page.cdp("Emulation.setScriptExecutionDisabled", value=False)
    return "without JavaScript the form stores a file, and the answer and the list's page name it"


def take_screenshots(page: Page, folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    ready = [page.make("book.txt", 261_748), page.make("backup.tar.gz", 48 * MB, sparse=True),
             page.make("Größe der Welt.mp4", 126 * MB, sparse=True)]
    for source in ready:
        page.drop(source)
        page.wait_stored(source.name)
    page.clear()
    page.throttle(upload=60 * MB)
    page.expected_errors.append("ERR_FILE_NOT_FOUND")
    short, lost = page.make("survey-2026.csv", 20 * MB, sparse=True), page.make("unplugged.img", 900 * MB, sparse=True)
    page.drop(page.make("holiday/day 1.mov", 3_400 * MB, sparse=True).parent, short,
              page.make("photos-2026.tar", 1_900 * MB, sparse=True), lost,
              page.make("disk-image.iso", 4_700 * MB, sparse=True), page.make("thesis.pdf", 7 * MB, sparse=True))
    lost.unlink()
    page.wait("one is stored, one has failed", lambda: page.upload(short.name).get("state") == "stored"
              and page.upload(lost.name).get("state") == "failed")
    page.wait("all are listed", lambda: short.name in page.run(LISTED))
    page.wait("progress is worth seeing", lambda: page.upload("holiday/day 1.mov")["sent"] > 0.05, 60)
    # Neither the focus nor the pointer shall mark anything.
    page.run("document.activeElement.blur()")
    ActionChains(page.driver).move_by_offset(1, 1).perform()

    def shoot(name: str, scheme: str, width: int, height: int) -> None:
        page.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        page.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                 mobile=width < 600)
        time.sleep(0.5)
        image = page.cdp("Page.captureScreenshot", format="png", captureBeyondViewport=False)["data"]
        (folder / name).write_bytes(base64.b64decode(image))

    shoot("light.png", "light", 1280, 1160)
    shoot("dark.png", "dark", 1280, 1160)
    shoot("narrow.png", "light", 390, 1000)
    page.cdp("Emulation.clearDeviceMetricsOverride")
    page.cdp("Emulation.setEmulatedMedia", features=[])
    page.element("#cancel-all").click()
    page.wait("all are cancelled", lambda: page.upload("thesis.pdf").get("state") == "cancelled")
    page.throttle()
    return f"screenshots in {folder}"


def check_logs(page: Page) -> str:
    def is_expected(message: str) -> bool:
        return any(part in message for part in page.expected_errors)

    errors = [entry["message"] for entry in page.driver.get_log("browser") if entry["level"] == "SEVERE"]
    errors = [message for message in errors if not is_expected(message)]
    check(not errors, f"errors in the console: {errors}")
    urls = page.requested_urls()
    own = (page.base + "/", "data:", "blob:", "about:", "chrome:")
    check(urls and all(url.startswith(own) for url in urls), f"requests to others: {urls}")
    return f"no error in the console, and none of {len(urls)} requests to another host"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("base")
    parser.add_argument("work", type=Path)
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--token")
    parser.add_argument("--screenshots", type=Path)
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)

    page = Page(arguments.base, arguments.dir, arguments.work)
    steps: list[Callable[[Page], str]] = [drop_files, drop_folder, pick, rename, cancel, lose_server, narrow]
    steps.append(use_keyboard)
    # First, while the list holds nothing else.
    if arguments.screenshots:
        steps.insert(0, lambda page: take_screenshots(page, arguments.screenshots))
    if arguments.token:
        steps.insert(0, lambda page: use_token(page, arguments.token))
    else:
        steps.append(do_without_script)
    steps.append(check_logs)
    try:
        page.open()
        for step in steps:
            print("ok:", step(page), flush=True)
            if page.driver.find_elements("css selector", ".upload"):
                page.clear()
    except Failure as failure:
        print("failed:", failure, flush=True)
        return 1
    finally:
        page.driver.quit()
    return 0


if __name__ == "__main__":
    sys.exit(main())
