"""Scores of answers against human annotations."""

# What ``evaluate --metric`` knows, VQA accuracy first: each is the ``METRIC`` of its module here.
# Only the one that is asked for is imported.
METRICS = {
    "vqa": "vqa_accuracy",
    "exact-match": "exact_match",
    "a-okvqa": "a_okvqa",
    "chartqa": "chartqa",
    "circular": "circular",
    "containment": "containment",
    "gqa": "gqa",
    "mme": "mme",
    "mmmu": "mmmu",
    "ocrbench": "ocrbench",
    "ok-vqa": "ok_vqa",
    "pope": "pope",
    "vizwiz": "vizwiz",
    "tdiuc": "tdiuc",
    "token-f1": "token_f1",
    "textvqa": "textvqa",
    "multiple-choice": "multiple_choice",
    "anls": "anls",
    "wups": "wups",
}
