"""Which columns of a row may hold the model's answer, and which the right one, by their names.

``answer`` may be either. A wrong guess would score a model 100 %, so that where two columns may
be the model's, none is taken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_MODEL = frozenset(
    "answer assistant candidate completion decoded generated generation generations hypothesis "
    "inference model output outputs pred predict predicted prediction predictions preds raw reply "
    "response responses result text "
    # A column may bear a model's name.
    "blip claude cogvlm deepseek flamingo gemini gpt idefics instructblip intern internvl kosmos "
    "llama llava lxmert minigpt mistral molmo ofa paligemma phi pixtral qwen vilt".split()
)
_RIGHT = frozenset(
    "annotation answers correct expected gold golden groundtruth gt human label labels reference "
    "references right solution target targets true truth".split()
)
# What is said about an answer, and is none.
_ABOUT = frozenset(
    "accuracy choice confidence correctness count cost duration error file format hash id ids "
    "index input is latency len length logprob logprobs loss match name path prob probability "
    "prompt question rank reason score scores source start end status time timestamp token tokens "
    "type types usage version".split()
)
_PAIRS = (("ground", "truth"), ("multiple", "choice"))
# Words that alone say too little: the text of a question, the name of a model.
_WEAK = frozenset({"text", "model"})


def may_be_predicted(row: Mapping[str, Any]) -> list[str]:
    """The columns of a row that may hold what the model said.

    Examples
    --------
    >>> may_be_predicted({"question_id": 1, "answer": "cat", "model_output": "dog"})
    ['answer', 'model_output']
    >>> may_be_predicted({"id": 1, "text": "Which animal?", "answer": "cat", "gt_answer": "dog"})
    ['answer']
    """
    return [name for name, value in row.items() if _is_answer(value) and _of_model(name, row)]


def right_answers(row: Mapping[str, Any], used: str) -> list[tuple[str, str]]:
    """The columns of right answers beside the one that is ``used``, with each text in them.

    Examples
    --------
    >>> right_answers({"prediction": "cat", "answer": "dog", "gt": ["cow", 2]}, "prediction")
    [('answer', 'dog'), ('gt', 'cow'), ('gt', '2')]
    """
    told = []
    for name, value in row.items():
        if name != used and (name == "answer" or _is_right(_words(name))):
            for text in value if isinstance(value, list) else [value]:
                if isinstance(text, (str, int, float)):
                    told.append((name, str(text).strip()))
    return told


def _of_model(name: str, row: Mapping[str, Any]) -> bool:
    words = _words(name)
    if not words & _MODEL or words & _ABOUT or _is_right(words):
        return False
    if not words <= _WEAK:
        return True
    if words != {"text"}:
        return False
    return "?" not in str(row[name]) or bool({"question", "prompt"} & row.keys())


def _is_right(words: frozenset[str]) -> bool:
    paired = any(words.issuperset(pair) for pair in _PAIRS)
    return (bool(words & _RIGHT) and not words & (_ABOUT | {"model", "pred"})) or paired


def _is_answer(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and not any(isinstance(one, (dict, list)) for one in value)
    return not isinstance(value, dict)


@lru_cache(maxsize=1024)
def _words(name: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORD.findall(str(name)))
