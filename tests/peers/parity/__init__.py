"""Linden's trainer beside XGBoost, on real tables: a grid of objectives, options and tables, and cells for the rest.

`cells` says what a cell is; `grid`, `special`, `boosters`, `categories` and `constraints` which there are; `run` trains and judges;
`report` prints the table and writes PARITY.md.
"""
