"""Spreadsheets: text in CSV files that one would run as a formula, and workbooks of text.

A cell that begins with ``=``, ``+``, ``-``, ``@``, a tab or a carriage return is one to Excel and
its kin (OWASP, "CSV Injection"). An apostrophe before it makes it text. A cell that looks as if
it had been guarded already gets one more, so that taking one away always gives the text back.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape

from vqa_ensemble.errors import InputError

CELL_CHARACTERS = 32_767
# Those that XML cannot hold, and what looks like one that a workbook has written otherwise.
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]|_(?=x[0-9A-Fa-f]{4}_)")
_WORKBOOK = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/'
    'content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.'
    'relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.'
    'openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/'
    'worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.'
    'spreadsheetml.worksheet+xml"/></Types>',
    "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/'
    'relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/'
    '2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/'
    'main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>'
    '<sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/'
    '2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/'
    'officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'

_RISKY = re.compile(r"'*[=+\-@\t\r]")
_GUARDED = re.compile(r"'+[=+\-@\t\r]")


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would run the text.

    Examples
    --------
    >>> is_formula("=1+1"), is_formula("'=1+1")
    (True, False)
    """
    return bool(_RISKY.match(text)) and not text.startswith("'")


def guard(text: str) -> str:
    """The text, made harmless.

    Examples
    --------
    >>> guard("=1+1"), guard("'-5"), guard("'tis"), guard("2")
    ("'=1+1", "''-5", "'tis", '2')
    """
    return f"'{text}" if _RISKY.match(text) else text


def unguard(text: str) -> str:
    """The text that was guarded.

    Examples
    --------
    >>> [unguard(guard(text)) for text in ("=1+1", "'-5", "'tis", "2")]
    ['=1+1', "'-5", "'tis", '2']
    """
    return text[1:] if _GUARDED.match(text) else text


def workbook(header: Sequence[str], rows: Iterable[Sequence[str | int]]) -> bytes:
    """A workbook (.xlsx) of one sheet; text is text, never a formula, and integers are numbers.

    Raises
    ------
    InputError
        With the row, if a text is longer than a cell may be.
    """
    lines = "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in (header, *rows))
    sheet = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f"<sheetData>{lines}</sheetData></worksheet>"
    )
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in {**_WORKBOOK, "xl/worksheets/sheet1.xml": sheet}.items():
            # Without the time of writing: the same rows make the same bytes.
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, _HEAD + text)
    return content.getvalue()


def _cell(value: str | int) -> str:
    if isinstance(value, int):
        return f"<c><v>{value}</v></c>"
    if not value:
        return "<c/>"
    if len(value) > CELL_CHARACTERS:
        raise InputError(
            f"a text has {len(value):,} characters, a cell at most {CELL_CHARACTERS:,}",
            fix="Shorten it.",
        )
    text = _UNWRITABLE.sub(lambda found: f"_x{ord(found[0]):04X}_", value)
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>'
