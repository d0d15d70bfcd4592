"""A tiny WordNet in the format of the real one (wndb(5WN))."""

from __future__ import annotations

from pathlib import Path

# Synset → its words, the synsets above it. Depths: animal and furniture 2, mammal 3, canine and
# feline 4, dog and cat 5, puppy 6, table and chair 3.
SYNSETS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "entity": (("entity",), ()),
    "animal": (("animal",), ("entity",)),
    "mammal": (("mammal",), ("animal",)),
    "canine": (("canine",), ("mammal",)),
    "feline": (("feline",), ("mammal",)),
    "dog": (("dog", "hound"), ("canine",)),
    "cat": (("cat",), ("feline",)),
    "puppy": (("puppy",), ("dog",)),
    "mouse": (("mouse",), ("mammal",)),
    "furniture": (("furniture",), ("entity",)),
    "table": (("table",), ("furniture",)),
    "chair": (("chair", "arm_chair"), ("furniture",)),
    "seat": (("chair",), ("mammal",)),  # whoever presides
}


def write_wordnet(folder: Path) -> Path:
    """Write it; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    place = dict.fromkeys(SYNSETS, 0)
    for _ in range(2):  # offsets take eight digits whatever they are
        lines, end = [], 0
        for name, (words, above) in SYNSETS.items():
            place[name] = end
            listed = " ".join(f"{word} 0" for word in words)
            pointers = "".join(f" @ {place[other]:08} n 0000" for other in above)
            count = f"{len(words):02x}"
            lines.append(f"{place[name]:08} 00 n {count} {listed} {len(above):03}{pointers} | it\n")
            end += len(lines[-1])
    (folder / "data.noun").write_text("".join(lines))
    meanings: dict[str, list[int]] = {}
    for name, (words, _) in SYNSETS.items():
        for word in words:
            meanings.setdefault(word, []).append(place[name])
    (folder / "index.noun").write_text(
        "".join(
            f"{word} n {len(at)} 1 @ {len(at)} 0 {' '.join(f'{offset:08}' for offset in at)}  \n"
            for word, at in sorted(meanings.items())
        )
    )
    (folder / "noun.exc").write_text("mice mouse\n")
    for file in folder.iterdir():
        file.chmod(0o644)
    return folder
