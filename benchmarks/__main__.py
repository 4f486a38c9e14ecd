"""Lists the measurements, or runs those named: `python -m benchmarks [NAME ...|all]`."""

from __future__ import annotations

import subprocess
import sys

MEASUREMENTS = {
    "end_to_end": "four videos at once: nothing lost, doubled or out of order",
    "chaos": "SIGKILLs and lost replies: the same tracks and verdicts",
    "archive_kills": "SIGKILLs to the archive: log, database and files of evidence as of one pass",
    "alert_kills": "SIGKILLs to the alert worker, receivers away: every change arrives at each",
    "throughput": "frames a second against a plain loop of YOLO.track",
    "latency": "capture to verdict, four cameras at 10 fps, by stage",
    "viewers": "live views of 200 viewers, one of them dead: messages a second, how late, memory",
    "page_pictures": "the page's pictures, and how soon an incident is on it",
    "bus": "commits a second, and records a second through the loop",
    "metrics_cost": "throughput with metrics that are scraped, and without any",
    "tracking": "identity switches, IDF1, HOTA: ByteTrack, BoT-SORT and ours on simulated scenes",
    "skeletons": "jitter, error and lag of key points, gaps, punches, against simulated truth",
    "refine_cost": "what refining costs, against the reference classes and one look",
    "skeleton_measures": "body heights, filled gaps and extrapolation against simulated truth",
    "recall_by_height": "who is found, by height: sizes, tiles, mirror images, and their cost",
    "verdict_cost": "what a verdict costs, expert by expert, and what half precision changes",
    "missed_fighters": "larger images, tiles and so on, on the clips whose fighters are hardly seen",
    "simulated_site": "the demonstration's cameras against their truth: identities, fights, false incidents",
    "replay": "recorded tracks judged again: equal to the live run, and how much faster",
    "incidents": "what is confirmed on whole videos, after how long, and how much of it is false",
    "simulated_pose": "the demonstration's pose net and a public one on unseen rendered frames",
    "face_blur": "which share of heads is blurred in evidence, on the simulated site with its truth",
    "pose_gate": "mean OKS through our own path, in each runtime",
    "dashboards": "Grafana's dashboards as pictures, off a fleet on four films",
}


def main() -> int:
    """Runs what is named, one after the other; 1 if any fails."""
    names = list(MEASUREMENTS) if sys.argv[1:] == ["all"] else sys.argv[1:]
    if not names or any(name not in MEASUREMENTS for name in names):
        print("python -m benchmarks NAME ... (or all)\n")
        for name, what in MEASUREMENTS.items():
            print(f"  {name:<18} {what}")
        return 0 if not names else 2
    failed = 0
    for name in names:
        print(f"== {name}: {MEASUREMENTS[name]}", flush=True)
        failed |= subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
