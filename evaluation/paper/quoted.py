"""Figures that the paper gives (arXiv 2504.09656), to be printed beside measured ones. Nothing here was measured by us.

Its third table is not here: its rows could not be read when this was written.
"""

COLUMNS = ("FID", "FVD", "AlignSync", "RelSync")
AVSYNC15, LANDSCAPES, GREATEST_HITS = "avsync15", "landscapes", "greatest-hits"
DATASETS = (AVSYNC15, LANDSCAPES, GREATEST_HITS)
_ = None  # the paper gives none

# table 1: row -> per data set, in the order of DATASETS, FID, FVD, AlignSync, RelSync
_TABLE_1 = {
    "TPoS": ((13.5, 2671.0, 19.52, 42.50), (16.5, 2081.3, 23.12, 48.15), (33.85, 3327.9, 21.48, 44.90)),
    "TempoTokens": ((12.2, 4466.4, 19.74, 44.05), (16.4, 2480.0, 24.21, 48.65), (25.90, 3300.5, 21.56, 45.38)),
    "I2VD": ((12.1, 398.2, 21.80, 43.92), (16.7, 539.5, 24.74, 49.89), (9.1, 425.0, 22.05, 44.58)),
    "DynamiCrafter": ((11.7, 400.7, 21.76, 43.68), (23.51, 445.8, 24.17, 49.63), (12.4, 337.7, 22.82, 45.85)),
    "CoDi": ((14.5, 1522.6, 19.54, 41.51), (20.5, 982.9, 22.63, 45.48), (21.78, 1336.0, 22.30, 45.35)),
    "AVSyncD": ((11.7, 349.1, 22.62, 45.52), (16.2, 415.2, 24.82, 49.93), (8.7, 249.3, 22.83, 45.95)),
    "KeyVID": ((11.0, 262.3, 24.08, 48.33), (23.28, 391.0, 24.35, 49.95), (12.1, 202.1, 22.91, 46.03)),
    "a still image": ((_, 1220.4, 21.83, 43.66), (_, 1177.5, 25.79, 51.59), (_, 348.9, 24.36, 48.73)),
    "true videos": ((_, _, 25.04, 50.00), (_, _, 25.01, 50.00), (_, _, 25.02, 50.00)),
}  # fmt: skip
# table 2, AVSync15 at 48 frames: two of its rows
_TABLE_2 = {
    "KeyVID, keyframes": (_, 335.7, 24.08, 48.37),
    "KeyVID, uniform frames": (_, 337.1, 23.96, 48.09),
}
AP_PERCENT = {3: 60.57, 5: 77.92}  # AP@t of the localizer on AVSync15, t in frames (section 4)


def quoted_rows(table: str, dataset: str) -> dict[str, tuple[float | None, ...]]:
    """{row of the paper: its figures in the order of COLUMNS}; {} where none are known."""
    if table == "table1":
        return {name: row[DATASETS.index(dataset)] for name, row in _TABLE_1.items()}
    return dict(_TABLE_2) if table == "table2" and dataset == AVSYNC15 else {}
