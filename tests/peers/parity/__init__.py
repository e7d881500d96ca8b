"""Linden's trainer beside XGBoost, on real tables: a grid of objectives, options and tables.

`cells` says what a cell is, `grid` and `special` which there are, `run` trains and judges, `report` prints the table.
"""
