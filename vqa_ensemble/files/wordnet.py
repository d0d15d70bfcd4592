"""WordNet's nouns, read from files that lie on this machine; nothing is fetched.

NLTK reads them. Its own reader wants fifteen files, which only its download has; Wu-Palmer
similarity of nouns needs three of them, which all distributions have: ``index.noun``,
``data.noun`` and, for irregular plurals, ``noun.exc`` (wndb(5WN) describes them).
"""

from __future__ import annotations

import os
import warnings
from io import StringIO
from pathlib import Path
from typing import Any

from vqa_ensemble.errors import InputError, first_line, need

# Where Debian's package wordnet-base puts them.
SYSTEM_FOLDER = Path("/usr/share/wordnet")
_NEEDED = ("index.noun", "data.noun")
_FIX = (
    "Install Debian's wordnet-base, or NLTK's data (python -m nltk.downloader wordnet), or name "
    "a folder with WordNet's index.noun and data.noun with --wordnet."
)


class WordNet:
    """How near nouns are in WordNet.

    Parameters
    ----------
    folder : path-like, optional
        Where ``index.noun`` and ``data.noun`` lie; by default :data:`SYSTEM_FOLDER`, then NLTK's
        data.

    Raises
    ------
    InputError
        If NLTK is not installed, the files are not there, or are not WordNet's.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        with need("WUPS needs NLTK", extra="wups"):
            import nltk.data
        root = _find() if folder is None else _checked(Path(folder))
        # NLTK opens files of these folders only.
        if isinstance(root, str) and root not in nltk.data.path:
            nltk.data.path.append(root)
        try:
            self._nouns = _noun_reader(root)
        except Exception as error:  # NLTK's own, and whatever broken lines lead to
            raise _unreadable(root, error) from error
        self._root = root
        self._known: dict[tuple[str, str], float] = {}

    def similarity(self, first: str, second: str) -> float:
        """The Wu-Palmer similarity of the most alike meanings of two nouns, singular or plural.

        Wu and Palmer, "Verbs Semantics and Lexical Selection", ACL 1994: 2d / (d₁ + d₂), with the
        depths of the deepest meaning above both, and of each by way of it.

        Returns
        -------
        float
            In [0, 1]; 0 if WordNet lacks one of them as a noun.

        Raises
        ------
        InputError
            If the files are broken where they say what the nouns mean.
        """
        pair = (first, second)
        if pair not in self._known:
            try:
                self._known[pair] = max(
                    (
                        one.wup_similarity(other) or 0.0
                        for one in self._meanings(first)
                        for other in self._meanings(second)
                    ),
                    default=0.0,
                )
            except Exception as error:
                raise _unreadable(self._root, error) from error
        return self._known[pair]

    def _meanings(self, noun: str) -> list[Any]:
        meanings: list[Any] = self._nouns.synsets("_".join(noun.split()), "n")
        return meanings


def _unreadable(root: Any, error: Exception) -> InputError:
    reason = first_line(error).rstrip(".")
    return InputError(f"holds no WordNet that can be read ({reason})", path=str(root), fix=_FIX)


def _find() -> Any:
    """The folder of the system, or where NLTK has WordNet: a folder or the inside of a zip."""
    import nltk.data

    if all((SYSTEM_FOLDER / name).is_file() for name in _NEEDED):
        return str(SYSTEM_FOLDER)
    for name in ("corpora/wordnet", "corpora/wordnet.zip/wordnet/"):
        try:
            return nltk.data.find(name)
        except LookupError:
            continue
    raise InputError("WUPS needs WordNet, which is not on this machine", fix=_FIX)


def _checked(folder: Path) -> str:
    for name in _NEEDED:
        if not (folder / name).is_file():
            raise InputError(f"has no {name} of WordNet", path=folder, fix=_FIX)
    return str(folder.resolve())


def _noun_reader(root: Any) -> Any:
    from nltk.corpus.reader.wordnet import WordNetCorpusReader

    class Nouns(WordNetCorpusReader):  # type: ignore[misc]
        # A character a byte: meanings are found by their bytes' places.
        _ENCODING = "latin-1"

        def open(self, file: str) -> Any:
            if file in (*_NEEDED, "noun.exc"):
                # Read at once, so that no file stays open as long as the reader lives.
                try:
                    with super().open(file) as stream:
                        return StringIO(stream.read())
                except OSError as error:  # NLTK's own for a file that is not there
                    if file in _NEEDED or isinstance(error, PermissionError):
                        raise
            # Names of the 45 files that WordNet was written in; similarities do not depend on them.
            names = "".join(f"{number:02} - 0\n" for number in range(45))
            return StringIO(names if file == "lexnames" else "")

        def map_wn(self, version: str = "wordnet") -> None:
            """For other languages only, and it needs the senses' index."""

    with warnings.catch_warnings():
        # That other languages are not there.
        warnings.simplefilter("ignore", UserWarning)
        return Nouns(root, None)
