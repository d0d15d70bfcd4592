"""Answers: normal form, the answer-to-question-type map, synonyms."""
