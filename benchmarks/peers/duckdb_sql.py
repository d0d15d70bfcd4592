"""Question-type voting as one SQL statement in DuckDB."""

from __future__ import annotations

import sys

import duckdb

SQL = """
COPY (
    WITH map AS (SELECT answer, question_type, count FROM read_csv('{map}', all_varchar = false,
                 types = {{'answer': 'VARCHAR', 'question_type': 'VARCHAR'}})),
    prior AS (SELECT question_type, sum(count) AS prior FROM map GROUP BY ALL),
    ballots AS (
        SELECT filename AS member, question_id, answer, confidence, question_type
        FROM read_parquet({files}, filename = true) JOIN map USING (answer)),
    votes AS (
        SELECT member, question_id, arg_max(question_type, confidence) AS question_type,
               max(confidence) AS confidence
        FROM ballots GROUP BY member, question_id),
    types AS (
        SELECT question_id, question_type, count(*) AS votes, sum(confidence::DOUBLE) AS sure
        FROM votes GROUP BY ALL),
    winning AS (
        SELECT question_id, question_type FROM types JOIN prior USING (question_type)
        QUALIFY row_number() OVER (PARTITION BY question_id
            ORDER BY votes DESC, sure DESC, prior DESC, question_type) = 1),
    revotes AS (
        SELECT member, question_id, arg_max(answer, confidence) AS answer,
               max(confidence) AS confidence
        FROM ballots JOIN winning USING (question_id, question_type)
        GROUP BY member, question_id),
    tally AS (
        SELECT question_id, answer, count(*) AS votes, sum(confidence::DOUBLE) AS sure
        FROM revotes GROUP BY ALL)
    SELECT question_id, answer FROM tally JOIN map USING (answer)
    QUALIFY row_number() OVER (PARTITION BY question_id
        ORDER BY votes DESC, sure DESC, count DESC, answer) = 1
    ORDER BY question_id
) TO '{output}' (FORMAT JSON, ARRAY true)
"""

if __name__ == "__main__":
    output, answer_map, *files = sys.argv[1:]
    duckdb.sql(SQL.format(map=answer_map, files=files, output=output))
