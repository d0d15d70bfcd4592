#!/usr/bin/env python3
"""Run vqa-ensemble from a checkout without installing it: ``python cli.py --help``."""

from vqa_ensemble.cli import main

if __name__ == "__main__":
    main()
