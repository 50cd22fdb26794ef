"""Tests that the server's page goes on with uploads that are interrupted, in headless Chromium. See page.py.

python page_resuming.py SCENARIO BASE_URL WORK_FOLDER --dir STORAGE_FOLDER [--token TOKEN]

Whoever starts it cuts connections, or kills the server, meanwhile. Ends with 0 only if all holds.
"""
import argparse
import os
import shutil
import sys
import urllib.request
from pathlib import Path

from page import MB, Failure, Page, check

# Slow enough to be interrupted, on a fast machine too.
SPEED = 8 * MB
# Keeps each text that the rows have shown.
RECORD = """
    window.shown = new Set();
    new MutationObserver(() => {
        for (const row of document.querySelectorAll(".upload .details")) {
            window.shown.add(row.textContent.replaceAll("\\u00a0", " "));
        }
    }).observe(document.querySelector("#uploads"), { subtree: true, childList: true, characterData: true });
"""
REMEMBERED = "return Object.entries(localStorage).filter(([key]) => key.startsWith('upload:'))" \
             ".map(([, entry]) => JSON.parse(entry).location);"


def begin(page: Page, source: Path, sent: float = 0.3) -> None:
    """Drops a file and waits until a part of it has been sent."""
    page.throttle(upload=SPEED)
    page.drop(source)
    page.wait("a part is sent", lambda: page.upload(source.name).get("sent", 0) > sent, 60)
    check(page.upload(source.name)["state"] == "active", "the whole file was sent before it could be interrupted")


def check_stored(page: Page, source: Path, name: str | None = None) -> None:
    page.wait_stored(source.name)
    page.check_saved(source, name or source.name)
    check(not page.run(REMEMBERED), "the page remembers an upload that is complete")


def waits(page: Page) -> list[str]:
    """What the page has said about waiting, since RECORD."""
    return [text for text in page.run("return Array.from(window.shown)") if "connection lost; trying again in" in text]


def cut(page: Page) -> str:
    source = page.make("cut.bin", 40 * MB)
    page.throttle(upload=SPEED)
    page.drop(source)
    check_stored(page, source)
    return "an upload goes on after its connection was cut"


def killed(page: Page) -> str:
    page.run(RECORD)
    sources = [page.make(f"killed-{number}.bin", 20 * MB) for number in range(4)]
    page.throttle(upload=SPEED)
    page.drop(*sources)
    page.wait("the notice", lambda: "Still to be sent: 4 files" in page.element("#notice").text, 60)
    check("Connection lost" in page.element("#notice").text, page.element("#notice").text)
    page.wait("the page counts down", lambda: len({text[-3:] for text in waits(page)}) > 1, 60)
    # Whoever has killed the server starts it again now.
    print("interrupted", flush=True)
    page.wait_stored(*(source.name for source in sources))
    for source in sources:
        check_stored(page, source)
    check(not page.element("#notice").is_displayed(), "the notice stays")
    return f"four uploads go on after the server was killed and started again; the page said: {waits(page)[-1]}"


def stalled(page: Page) -> str:
    page.run(RECORD)
    source = page.make("stalled.bin", 40 * MB)
    page.throttle(upload=SPEED)
    page.drop(source)
    page.wait("the page gives up waiting", lambda: waits(page), 90)
    check_stored(page, source)
    return "an upload goes on over another connection when one makes no progress for 30 s"


def unavailable(page: Page) -> str:
    page.expected_errors.append("500")
    source = page.make("unavailable.bin", 2 * MB)
    shutil.rmtree(page.storage)
    page.drop(source)
    reason = "No such file or directory; trying again in"
    page.wait("the page says so", lambda: reason in page.upload(source.name).get("details", ""))
    page.storage.mkdir()
    check_stored(page, source)
    return "an upload goes on after the server has answered 500"


def reload(page: Page) -> str:
    source = page.make("reload.bin", 40 * MB)
    begin(page, source)
    page.open()
    notice = page.wait("the page names the file", lambda: page.element("#left-behind").text)
    check(source.name in notice, notice)
    page.drop(source)
    check(page.wait("progress", lambda: page.upload(source.name).get("sent", 0)) > 0.1, "it began anew")
    check_stored(page, source)
    check(not page.element("#left-behind").is_displayed(), "the notice stays")
    return "after a reload the same file goes on where it was"


def changed(page: Page) -> str:
    for number, size in enumerate([30 * MB, 40 * MB]):
        source = page.make("changed.bin", 40 * MB)
        begin(page, source)
        page.open()
        # Another size; then the same size with another time.
        source = page.make("changed.bin", size)
        os.utime(source, (1_700_000_000, 1_700_000_000 + number))
        page.drop(source)
        page.wait_stored(source.name)
        page.check_saved(source, ["changed.bin", "changed (1).bin"][number])
        check(page.element("#left-behind").is_displayed(), "the page forgot the first upload")
        page.element("#left-behind-button").click()
        page.wait("the server has removed it", lambda: not page.unfinished())
        check(not page.run(REMEMBERED), "the page remembers a discarded upload")
        page.clear()
    return "a file with another size or time begins anew, and the first upload can be discarded"


def cancel(page: Page) -> str:
    source = page.make("cancelled.bin", 40 * MB)
    begin(page, source)
    check(page.unfinished() and page.run(REMEMBERED), "nothing to cancel")
    page.element(f'button[aria-label="Cancel: {source.name}"]').click()
    page.wait("the server has removed it", lambda: not page.unfinished())
    check(not page.run(REMEMBERED), "the page remembers a cancelled upload")
    page.throttle()
    page.element(f'button[aria-label="Try again: {source.name}"]').click()
    check_stored(page, source)
    return "cancelling removes the upload from the server, and it can be sent again"


def forgotten(page: Page) -> str:
    page.expected_errors.append("404")
    source = page.make("forgotten.bin", 40 * MB)
    begin(page, source)
    page.open()
    [location] = page.run(REMEMBERED)
    request = urllib.request.Request(page.base + location, method="DELETE")
    with urllib.request.urlopen(request, timeout=30) as answer:
        check(answer.status == 204, f"{answer.status}")
    page.drop(source)
    check_stored(page, source)
    return "an upload that the server has removed begins anew"


def twice(page: Page) -> str:
    source = page.make("twice.bin", 20 * MB)
    begin(page, source, 0.1)
    page.drop(source)
    page.wait("both are stored", lambda: page.element("#summary").text.startswith("2 files stored"), 60)
    page.check_saved(source, "twice.bin")
    page.check_saved(source, "twice (1).bin")
    return "the same file dropped twice is stored twice"


def unsupported(page: Page) -> str:
    page.expected_errors.append("400")
    source = page.make("ordinary.bin", 5 * MB)
    page.drop(source)
    check_stored(page, source)
    return "a server that keeps no unfinished uploads gets the file in one request"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("scenario")
    parser.add_argument("base")
    parser.add_argument("work", type=Path)
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--token", default="")
    arguments = parser.parse_args()

    page = Page(arguments.base, arguments.dir, arguments.work)
    try:
        page.open()
        if arguments.token:
            page.element("#token").send_keys(arguments.token + "\n")
        print("ok:", globals()[arguments.scenario](page), flush=True)
    except Failure as failure:
        print("failed:", failure, flush=True)
        return 1
    finally:
        page.driver.quit()
    return 0


if __name__ == "__main__":
    sys.exit(main())
