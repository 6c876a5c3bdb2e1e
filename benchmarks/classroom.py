"""Forty people at once: a real server, forty simulated labelers over raw HTTP, and a ledger of all that was said.

    python benchmarks/classroom.py [--labelers 40] [--seconds 300] [--json]
        [--kill] [--dropped 0.05] [--import] [--backup] [--flood] [--broken]

Each labeler signs in, has pictures of its own (of other sizes and colours than all others') and clicks every 2 s on
average. Every request carries a nonce; the answer must name it, the labeler, their picture, its size, their points and
the revision that their last action made. In the end every acknowledged action is looked for in the database, and every
row there for someone who asked for it. Stops by itself, talks to 127.0.0.1 alone, exits with 1 where something was lost
or mixed up.

p95_ms is of a click: from sending it to having read the answer with its masks, in the client, which shares the
machine's cores with the server. growth_mb is the server's memory in the end, less that after the warm-up (a fifth of
the time, 30 s at most). open_s: the slowest of the page openings by one more person meanwhile. --flood: one more
labeler has 24 calls under way at once, every other ten seconds; flood_p95_ms and calm_p95_ms are the others' with and
without. --broken: a server with one global for all, which must be caught: mixed_up > 0.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.classroom_lesson import Lesson

MOST_LABELERS, MOST_SECONDS = 56, 3600
SHOWN = 10  # lines of each kind of trouble


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labelers", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--kill", action="store_true", help="one SIGKILL in the middle")
    parser.add_argument("--dropped", type=float, default=0.0, metavar="SHARE", help="of answers that get lost")
    parser.add_argument("--import", dest="imports", action="store_true", help="an upload and import beside")
    parser.add_argument("--backup", action="store_true", help="launch.py backup beside")
    parser.add_argument("--flood", action="store_true", help="one more labeler, who floods")
    parser.add_argument("--broken", action="store_true", help="a server that mixes people up")
    parser.add_argument("--database", metavar="URL", help="another database than SQLite")
    parser.add_argument("--processes", type=int, default=1, help="servers on one database, asked in turns")
    parser.add_argument("--json", action="store_true", help="print one JSON object on the last line")
    args = parser.parse_args()
    if not (0 < args.labelers <= MOST_LABELERS and 0 < args.seconds <= MOST_SECONDS and 0 <= args.dropped < 1):
        parser.error(f"at most {MOST_LABELERS} labelers, {MOST_SECONDS} s, and a share below 1")
    with tempfile.TemporaryDirectory(prefix="classroom-") as folder:
        run = Lesson(args, Path(folder) / "workspace")
        try:
            asyncio.run(run.run())
        except BaseException:
            for server in run.servers:
                print(server.last_words(), file=sys.stderr)
            raise
        said = [server.last_words(8) for server in run.servers]
    result = run.result()
    troubles = {"errors": run.tally.errors, "mixed up": run.tally.mixed_up, "in the database": run.findings.all}
    for name, lines in troubles.items():
        for line in lines[:SHOWN]:
            print(f"{name}: {line}", file=sys.stderr)
    if run.tally.errors:
        print(*said, sep="\n", file=sys.stderr)
    for name, value in result.items():
        print(f"{name:24} {value}")
    if args.json:
        print(json.dumps(result))
    is_good = not (result["lost"] or result["mixed_up"] or result["doubled"])
    return 0 if is_good != args.broken else 1


if __name__ == "__main__":
    sys.exit(main())
