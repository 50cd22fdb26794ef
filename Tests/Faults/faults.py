#!/usr/bin/env python3
"""The fault matrix: what clients see and what is on the disk after a fault at any point of an upload. Runs the real server.

    faults.py SERVER [--quick]

SERVER is the program. With --quick a few rows of each kind are run. Linux, as root, with strace(1). Rows that cannot be run
say SKIPPED. The exit status is 1 if a row is bad: after a success the files are whole under the names that were told; after
an error nothing has changed; after a kill and a restart all files of a request are there, or none.
"""
import sys

import calls, places
from harness import *


def main():
    program, quick = os.path.abspath(sys.argv[1]), "--quick" in sys.argv
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("strace"):
        print("SKIPPED: needs Linux, root and strace")
        return 0
    table, began = Table(), time.monotonic()
    uploads = calls.uploads()
    for upload in uploads:
        chosen = [("SIGKILL at each system call", calls.killed, ())]
        chosen.append(("errors of each system call", calls.failing, (["ENOSPC"] if quick else calls.ERRORS,)))
        for title, run, arguments in chosen:
            if quick and upload is not uploads[1]: continue
            table.title(f"{upload.title}: {title}")
            in_folder(table, title, lambda folder: run(table, program, upload, folder.path, *arguments))
    table.title("Places, crowds, processes")
    rows = [places.full_disk, places.largest_file, places.short_writes, places.removed_folder, places.read_only]
    if not quick: rows += [places.planted, places.crowd, places.random_kills, places.signals, places.clock]
    for run in rows: in_folder(table, run.__name__, lambda folder: run(table, program, folder))
    if not quick: in_folder(table, "file systems", lambda folder: places.file_systems(table, program, folder, uploads))
    print(f"\n{table.good} good, {table.bad} bad, {table.skipped} skipped, {time.monotonic() - began:.0f} s")
    return 1 if table.bad else 0


def in_folder(table, title, run):
    folder = Folder()
    try: run(folder)
    except Skipped as reason: table.skip(title, reason)
    finally: folder.remove()


sys.exit(main())
