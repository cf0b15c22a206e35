"""How the owners of each set hand it out, and which of their files makes which clip."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from motionrgbd.core.errors import SourceError
from motionrgbd.models.recipe import GreyDepth, Modality
from motionrgbd.models.released_recipes import released_recipe
from motionrgbd.training.datasets import isogd, jester, ntu, nvgesture, thuread
from motionrgbd.training.datasets.benchmark import Benchmark
from motionrgbd.training.datasets.clip_files import (
    CopyPictures,
    CropPerson,
    PicturesToJpeg,
    VideoToPictures,
)
from motionrgbd.training.datasets.download import Download, Member
from motionrgbd.training.datasets.plan import Plan, PlannedClip, Planner
from motionrgbd.training.datasets.reader import read_list

_VIDEO = r"(?:avi|mp4|mkv)"
_PICTURE = r".*\.(?:jpg|jpeg|png|bmp)"

_NV_LINE = re.compile(
    r"path:\S*?(?P<clip>class_\d+/subject\d+_r\d+)\s.*?"
    r"depth:sk_depth:(?P<depth>\d+:\d+)\s.*?color:sk_color:(?P<color>\d+:\d+)\s.*?"
    r"label:(?P<label>\d+)"
)


def plan_nvgesture(download: Download) -> Plan:
    """Videos `class_01/subject3_r0/sk_color.avi` and `sk_depth.avi`, cut as the lists say."""
    plan = Plan()
    videos = _by_clip(download.files(rf"(class_\d+/subject\d+_r\d+)/(sk_color|sk_depth)\.{_VIDEO}"))
    benchmark = nvgesture.NVGESTURE
    clips: list[tuple[str, str, int]] = []
    for split, file in nvgesture.OFFICIAL_LISTS.items():
        for line in _nvgesture_lines(download, file, plan):
            name = f"{nvgesture.FOLDERS[split]}/{line['clip']}"
            clips.append((split, name, int(line["label"]) - 1))
            for modality, video in nvgesture.VIDEOS.items():
                member = videos[line["clip"]].get(video)
                if member is not None:
                    start, stop = map(int, line[modality].split(":"))
                    target = target_of(benchmark, modality, name)
                    plan.add(target, VideoToPictures(start, stop), member)
    return _listed(benchmark, plan, clips)


def _nvgesture_lines(download: Download, file: str, plan: Plan) -> Iterator[dict[str, str]]:
    text, used = _text(download, file, file.replace("_v2", ""))
    if used != file:
        plan.notes.append(f"{used} stands for {file}, in which some labels are corrected")
    for number, line in enumerate(text.splitlines(), 1):
        match = _NV_LINE.match(line)
        if match:
            yield match.groupdict()
        elif line.strip():
            raise SourceError(f"{used}, line {number}: '{line.strip()}' names no clip")


def plan_isogd(download: Download) -> Plan:
    """Videos `train/001/M_00001.avi` (colour) and `K_00001.avi` (depth), lists with labels."""
    plan = Plan()
    benchmark = isogd.ISOGD
    for match, member in download.files(rf"((?:train|valid|test)/\d+)/([MK])_(\d+)\.{_VIDEO}"):
        modality: Modality = "color" if match[2] == "M" else "depth"
        name = f"{match[1]}/{match[2]}_{match[3]}"
        plan.add(target_of(benchmark, modality, name), VideoToPictures(), member)
    clips = []
    for split, file in isogd.OFFICIAL_LISTS.items():
        try:
            text, _ = _text(download, file)
        except SourceError:
            plan.notes.append(f"{file} is not in the download: no list of {split} is written")
            continue
        lines = [line.split() for line in text.splitlines() if line.strip()]
        named = [(line[0].rpartition(".")[0], line[2]) for line in lines if len(line) > 2]
        labelled = [
            (split, name, int(label) - 1) for name, label in named if name not in isogd.LEFT_OUT
        ]
        if not labelled:
            plan.notes.append(
                f"{file} has no labels: no list of {split} is written. The owners publish them "
                "apart; give lists that have them with --lists"
            )
        clips += labelled
    return _listed(benchmark, plan, clips)


def plan_thuread(download: Download) -> Plan:
    """Folders of pictures, or videos, `RGB_thumb_cwx_2` and `D_thumb_cwx_2`."""
    plan = Plan()
    benchmark = thuread.THU_READ
    people = "|".join(p for both in thuread.HELD_OUT.values() for p in both)
    clip = rf"((?:RGB|D)_({'|'.join(benchmark.labels)})_({people})_\d+)"
    mapping = released_recipe("THU-READ").depth
    assert isinstance(mapping, GreyDepth)
    facts: dict[str, tuple[int, str]] = {}
    for match, members in download.folders(clip, _PICTURE):
        modality: Modality = "color" if match[1].startswith("RGB") else "depth"
        maker = PicturesToJpeg(None if modality == "color" else mapping)
        plan.add(target_of(benchmark, modality, match[1]), maker, members)
        facts[thuread.color_clip(match[1])] = (benchmark.labels.index(match[2]), match[3])
    for match, member in download.files(rf"{clip}\.{_VIDEO}"):
        modality = "color" if match[1].startswith("RGB") else "depth"
        plan.add(target_of(benchmark, modality, match[1]), VideoToPictures(), member)
        facts[thuread.color_clip(match[1])] = (benchmark.labels.index(match[2]), match[3])
    clips = [
        (f"{protocol}/{'valid' if person in held_out else 'train'}", name, label)
        for protocol, held_out in thuread.HELD_OUT.items()
        for name, (label, person) in sorted(facts.items())
    ]
    return _listed(benchmark, plan, clips)


def plan_ntu(download: Download, benchmark: Benchmark = ntu.NTU) -> Plan:
    """Videos `S001C001P001R001A001_rgb.avi` and folders of masked depth `S001C001P001R001A001`."""
    plan = Plan()
    clip = r"(S\d{3}C\d{3}P\d{3}R\d{3}A\d{3})"
    masks = {match[1]: members for match, members in download.folders(clip, r"MDepth-\d+\.png")}
    videos = {match[1]: member for match, member in download.files(rf"{clip}_rgb\.{_VIDEO}")}
    depth_names = benchmark.pictures["depth"].names
    for name, members in masks.items():
        plan.add(target_of(benchmark, "depth", name), CopyPictures(depth_names), members)
    maker = CropPerson(ntu.COLOR_SIZE_PX, benchmark.pictures["color"].names)
    for name in sorted(videos.keys() & masks.keys()):
        target = target_of(benchmark, "color", f"{name}_rgb")
        plan.add(target, maker, videos[name], masks[name])
    clips = []
    for name in sorted(videos.keys() | masks.keys()):
        facts = ntu.parse_name(name)
        if facts is None or facts.action > len(benchmark.labels):
            plan.notes.append(
                f"{name} is left out: {benchmark.name} has {len(benchmark.labels)} actions"
            )
            continue
        clips += [
            (f"{protocol}/{ntu.split_of(protocol, facts)}", f"{name}_rgb", facts.action - 1)
            for protocol in sorted({split.partition("/")[0] for split in benchmark.splits})
        ]
    return _listed(benchmark, plan, clips)


def plan_ntu120(download: Download) -> Plan:
    """As NTU RGB+D, with 120 actions and other splits."""
    return plan_ntu(download, ntu.NTU120)


def plan_jester(download: Download) -> Plan:
    """Folders `177` of pictures `00001.jpg`, and lists `177;Turning Hand Clockwise`."""
    plan = Plan()
    benchmark = jester.JESTER
    names = benchmark.pictures["color"].names
    for match, members in download.folders(r"(\d+)", r"\d{5}\.jpg"):
        plan.add(match[1], CopyPictures(names), members)
    clips = []
    for split, file in jester.OFFICIAL_LISTS.items():
        text, _ = _text(download, file)
        for number, line in enumerate(text.splitlines(), 1):
            name, _, label = line.strip().partition(";")
            if label not in benchmark.labels:
                raise SourceError(f"{file}, line {number}: '{line}' names no class of Jester")
            clips.append((split, name, benchmark.labels.index(label)))
    return _listed(benchmark, plan, clips)


PLANNERS: dict[str, Planner] = {
    "nvgesture": plan_nvgesture,
    "isogd": plan_isogd,
    "thuread": plan_thuread,
    "ntu": plan_ntu,
    "ntu120": plan_ntu120,
    "jester": plan_jester,
}


def target_of(benchmark: Benchmark, modality: Modality, name: str) -> str:
    """Return where a clip of the lists lies, below the set's folder."""
    pictures = benchmark.pictures[modality]
    return str(PurePosixPath(pictures.folder) / pictures.clip(name))


def use_lists(benchmark: Benchmark, plan: Plan, folder: Path) -> None:
    """Replace the plan's lists by those found in a folder, such as the authors' dataset_splits.

    Raises `SourceError` where it holds none, or one is damaged.
    """
    found = False
    for name, split in benchmark.splits.items():
        files = [folder / relative for relative in split.lists.values()]
        file = next((file for file in files if file.is_file()), None)
        if file is None:
            continue
        found = True
        modalities = _present(benchmark, plan)
        plan.lists[name] = [
            PlannedClip(
                line.name,
                line.label,
                tuple(target_of(benchmark, m, line.name) for m in modalities),
                line.frames,
            )
            for line in read_list(file, len(benchmark.labels))
        ]
        plan.notes = [note for note in plan.notes if f"no list of {name} " not in note]
    if not found:
        first = next(iter(next(iter(benchmark.splits.values())).lists.values()))
        raise SourceError(f"{folder} holds no list of {benchmark.name}, such as {first}")


def _listed(benchmark: Benchmark, plan: Plan, clips: Iterable[tuple[str, str, int]]) -> Plan:
    """Add the lists: (split, name, label from 0) of each clip."""
    modalities = _present(benchmark, plan)
    for split, name, label in clips:
        targets = tuple(target_of(benchmark, m, name) for m in modalities)
        plan.lists.setdefault(split, []).append(PlannedClip(name, label, targets))
    return plan


def _present(benchmark: Benchmark, plan: Plan) -> list[Modality]:
    """The modalities that this download has at all."""
    tops = {PurePosixPath(target).parts[0] for target in plan.jobs}
    return [m for m in benchmark.modalities if benchmark.pictures[m].folder in (".", *tops)]


def _by_clip(
    files: Iterable[tuple[re.Match[str], Member]],
) -> defaultdict[str, dict[str, Member]]:
    found: defaultdict[str, dict[str, Member]] = defaultdict(dict)
    for match, member in files:
        found[match[1]].setdefault(match[2], member)
    return found


def _text(download: Download, *names: str) -> tuple[str, str]:
    """The text of the first of these files that is there, and its name."""
    for name in names:
        for _, member in download.files(re.escape(name)):
            return member.read().decode(), name
    raise SourceError(
        f"{names[0]} is not in the download; it comes with the set: put it beside the archives"
    )
