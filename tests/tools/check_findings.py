#!/usr/bin/env python3
"""Holds the sentences of a page of findings against the tables that they rest on.

usage: check_findings.py PAGE TABLES      exit 0: each sentence stands; 1: a line for each that does not

TABLES is what docs/registered/tables writes. A sentence names its rows in brackets: "(cuts 3)", "(arms 12, 14-16)", several
tables parted by a semicolon, and "(numbers arms 2)" for one of the second study. Of each sentence every number that has a decimal
point, a sign or a per cent sign must stand in one of its rows, with that sign; one that has such numbers and no
row is wrong, and so is a row that is not there. Whole numbers ("seven of ten") are the writer's. Code, tables, headings and what stands
under the heading "Withdrawn" are passed over.
"""
import re
import sys

TABLES = "pooled|labels|depth|early|families|policies|norms|authors|gates|cuts|arms|power|rates"
ROWS = r"\d+(?:\s*[-–]\s*\d+)?"
REFERENCE = re.compile(rf"\b((?:numbers )?(?:{TABLES})) ({ROWS}(?:(?:, | and ){ROWS})*)")
# A number that is measured: -0.6, +3, 71.5, 92 %.
NUMBER = re.compile(r"(?<![\w.])([+\-−]?)(\d+(?:\.\d+)?)(?= ?(%)?)(?![\w]|\.\d)")


def tables_of(text):
    """{"pooled": {1: row, ...}, "numbers pooled": ...}: rows as they stand, without their number."""
    found, study, name = {}, "", ""
    for line in text.splitlines():
        if line.startswith("## "):
            study = "" if line[3:].strip() == "freezing" else line[3:].strip() + " "
        elif line.startswith("### "):
            name = study + line[4:].split(":")[0]
        elif row := re.match(r"\| (\d+) \|(.*)", line):
            found.setdefault(name, {})[int(row[1])] = row[2]
    return found


def sentences_of(page):
    """(line, sentence) of running text and lists."""
    skipped, code, paragraph, first = False, False, [], 0
    for number, line in enumerate(page.splitlines() + [""], 1):
        if line.startswith("```"):
            code = not code
        if line.startswith("#"):
            skipped = "Withdrawn" in line
        text = line.strip()
        ends = not text or code or text.startswith(("#", "|", "```", "- ")) or line.startswith("    ")
        if ends and paragraph:
            for sentence in re.split(r"(?<=[.:;])\s+(?=[A-Z*`])", " ".join(paragraph)):
                yield first, sentence
            paragraph = []
        if skipped or code or not text or text.startswith(("#", "|", "```")) or line.startswith("    "):
            continue
        if not paragraph:
            first = number
        paragraph.append(text.removeprefix("- "))


def rows_in(sentence):
    """(table, row) that a sentence names."""
    for table, rows in REFERENCE.findall(sentence):
        for part in re.findall(ROWS, rows):
            ends = [int(end) for end in re.split(r"\s*[-–]\s*", part)]
            for row in range(ends[0], ends[-1] + 1):
                yield table, row


def numbers_in(text):
    return {(sign.replace("−", "-"), digits) for sign, digits, _ in NUMBER.findall(text)}


def measured_in(sentence):
    """Numbers with a decimal point, a sign or a per cent sign, outside of what names rows."""
    for sign, digits, percent in NUMBER.findall(REFERENCE.sub("", sentence)):
        if "." in digits or sign or percent:
            yield sign.replace("−", "-"), digits


def complaints(page, tables):
    count = 0
    for line, sentence in sentences_of(page):
        rows = list(rows_in(sentence))
        wanted = list(measured_in(sentence))
        missing = [f"{table} {row}" for table, row in rows if row not in tables.get(table, {})]
        if missing:
            yield f"line {line}: no row {', '.join(missing)}: {sentence}"
            continue
        if wanted and not rows:
            yield f"line {line}: names no row: {sentence}"
            continue
        count += bool(rows)
        there = set().union(*(numbers_in(tables[table][row]) for table, row in rows)) if rows else set()
        for sign, digits in wanted:
            if (sign, digits) not in there and not (sign == "" and any(digits == other for _, other in there)):
                yield f"line {line}: {sign}{digits} stands in none of {', '.join(f'{t} {r}' for t, r in rows)}: {sentence}"
    if count == 0:
        yield "no sentence names a row"


def main(arguments):
    if len(arguments) != 2:
        print(__doc__)
        return 2
    page, tables = (open(path, encoding="utf-8").read() for path in arguments)
    wrong = list(complaints(page, tables_of(tables)))
    print("\n".join(wrong) if wrong else "each sentence stands")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
