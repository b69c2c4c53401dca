"""Runs the same forecasting tasks with Pilah and with Python's libraries, side by side, and prints tables.

    cargo build --release -p pilah-hub --example forecast_figures
    python -m venv venv && venv/bin/pip install prophet statsforecast torch
    venv/bin/python hub/examples/forecast_compare.py target/release/examples/forecast_figures ../shared/data/series [task]

Tasks: prophet, lstm, many, ensemble; all of them if none is named. Every figure is from this one run.
"""

import json
import logging
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

logging.getLogger("cmdstanpy").setLevel(logging.ERROR)
logging.getLogger("prophet").setLevel(logging.ERROR)

BINARY, DATA = sys.argv[1], Path(sys.argv[2])
PROPHET = [
    ("Peyton Manning", "example_wp_log_peyton_manning.csv", 365, "D", "additive"),
    ("Air passengers", "example_air_passengers.csv", 36, "MS", "multiplicative"),
    ("Retail sales", "example_retail_sales.csv", 36, "MS", "additive"),
    ("Pedestrians", "example_pedestrians_covid.csv", 365, "D", "additive"),
]


def figures(*args, env=None):
    """The lines that the example prints."""
    out = subprocess.run([BINARY, *map(str, args)], check=True, capture_output=True, text=True, env=env).stdout
    return [json.loads(line) for line in out.splitlines()]


def best(work):
    """The best of three runs, and the last result."""
    times = []
    for _ in range(3):
        begun = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - begun)
    return min(times), result


def relative(ours, theirs, known):
    error = np.abs(np.array(ours) - np.array(theirs)) / np.abs(np.array(theirs))
    return f"{np.median(error):.1e} / {np.max(error[known:]):.1e}"


def prophet():
    from prophet import Prophet

    print("| series | fit s, Python | ours | predict s, Python | ours | yhat to Python's default | Python's default to itself, data moved by 1e-13 | exact to Python's Newton |")
    print("|---|---|---|---|---|---|---|---|")
    for name, file, periods, frequency, mode in PROPHET:
        path = DATA / "prophet" / file
        frame = pd.read_csv(path)
        frame["ds"] = pd.to_datetime(frame["ds"])

        def fit(values, **options):
            model = Prophet(seasonality_mode=mode)
            model.fit(frame.assign(y=values), **options)
            return model

        seconds, model = best(lambda: fit(frame.y))
        future = model.make_future_dataframe(periods, freq=frequency)
        predict, forecast = best(lambda: model.predict(future))
        theirs = forecast["yhat"].to_numpy()
        moved = frame.y * (1 + 1e-13 * np.random.default_rng(1).standard_normal(len(frame)))
        again = fit(moved).predict(future)["yhat"].to_numpy()
        newton = fit(frame.y, algorithm="Newton").predict(future)["yhat"].to_numpy()
        ours = figures("prophet", path, mode, periods)[0]
        known = ours["known"]
        plain, exact = ours["default"], ours["exact"]
        print(
            f"| {name} | {seconds:.3f} | {plain['fit']:.4f} | {predict:.3f} | {plain['predict']:.4f} "
            f"| {relative(plain['yhat'], theirs, known)} | {relative(again, theirs, known)} "
            f"| {relative(exact['yhat'], newton, known)} |",
            flush=True,
        )


def lstm():
    import torch

    path = DATA / "prophet" / "example_wp_log_peyton_manning.csv"
    thousand = Path("/tmp") / "forecast_thousand.csv"
    pd.read_csv(path).head(1000).to_csv(thousand, index=False)
    ours = figures("lstm", thousand)[0]
    values = pd.read_csv(thousand)["y"].to_numpy(dtype=np.float32)[: ours["values"]]
    values = (values - values.mean()) / values.std()
    windows = np.lib.stride_tricks.sliding_window_view(values, 31).copy()
    inputs, targets = torch.tensor(windows[:, :30, None]), torch.tensor(windows[:, 30:])

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = torch.nn.LSTM(1, 50, num_layers=2, dropout=0.2, batch_first=True)
            self.drop, self.out = torch.nn.Dropout(0.2), torch.nn.Linear(50, 1)

        def forward(self, x):
            return self.out(self.drop(self.lstm(x)[0][:, -1]))

    torch.manual_seed(0)
    network = Network()
    optimiser = torch.optim.Adam(network.parameters())
    begun = time.perf_counter()
    for _ in range(50):
        for batch in torch.randperm(len(inputs)).split(32):
            optimiser.zero_grad()
            loss = torch.nn.functional.mse_loss(network(inputs[batch]), targets[batch])
            loss.backward()
            optimiser.step()
    seconds = time.perf_counter() - begun
    print(f"LSTM, {len(inputs)} windows of 30, 2 × 50 cells, 50 epochs, batches of 32: PyTorch {seconds:.1f} s, ours {ours['seconds']:.1f} s")


def many():
    result = figures("many", 1000)[0]
    print(f"{result['series']} daily series of two years: {result['seconds']:.1f} s; 80 % intervals cover {result['coverage']:.1%}")


def collection():
    """All series as one table of date, product_id, quantity."""
    parts = []

    def add(name, dates, values):
        part = pd.DataFrame({"date": pd.to_datetime(dates), "product_id": name, "quantity": values}).dropna()
        parts.append(part)

    for file in sorted((DATA / "prophet").glob("*.csv")):
        frame = pd.read_csv(file)
        for column in [c for c in frame.columns if c != "ds"]:
            part = frame.tail(3000)
            add(f"{file.stem}:{column}", part["ds"], part[column])
    for file in sorted((DATA / "darts").glob("*.csv")):
        frame = pd.read_csv(file)
        if file.stem == "AirPassengers":
            continue  # the same as Prophet's
        if file.stem == "australian_tourism":
            dates = pd.date_range("1998-01-01", periods=len(frame), freq="QS")
        else:
            column = next(c for c in frame.columns if c.lower() in ("date", "month", "week", "time"))
            dates = pd.to_datetime(frame.pop(column))
        for column in frame.columns:
            part = frame[[column]].assign(d=dates).tail(3000)
            add(f"{file.stem}:{column}", part["d"], pd.to_numeric(part[column], errors="coerce"))
    table = pd.concat(parts)
    path = Path("/tmp") / "forecast_series.csv"
    table.to_csv(path, index=False, date_format="%Y-%m-%d %H:%M:%S")
    return path


def ensemble():
    import os
    from statsforecast.models import AutoETS

    lines = figures("ensemble", collection(), 2, env=dict(os.environ))
    scores = {}
    for line in lines:
        history = np.array(line["history"])
        truth = np.array([np.nan if v is None else v for v in line["truth"]], dtype=float)
        season = line["season"]
        lag = season if len(history) > season else 1
        scale = np.sqrt(np.mean((history[lag:] - history[:-lag]) ** 2)) or 1.0
        ets = AutoETS(season_length=season if season <= 24 else 1).forecast(history, len(truth))["mean"]
        error = lambda values: np.sqrt(np.nanmean((np.array(values) - truth) ** 2)) / scale
        inside = np.mean((truth >= np.array(line["lower"])) & (truth <= np.array(line["upper"])))
        score = scores.setdefault(line["product"], [])
        members = {name: error(band["mean"]) for name, band in line["members"].items()}
        score.append((error(line["mean"]), error(line["naive"]), error(ets), inside, members))
    table = {name: np.mean([s[:4] for s in score], axis=0) for name, score in scores.items()}
    groups = {}
    for name, row in table.items():
        groups.setdefault(name.split(":")[0], []).append(row)
    print("| file | series | ensemble | seasonal naive | AutoETS | 80 % interval covers |")
    print("|---|---|---|---|---|---|")
    for name, rows in sorted(groups.items()):
        row = np.mean(rows, axis=0)
        print(f"| {name} | {len(rows)} | {row[0]:.3f} | {row[1]:.3f} | {row[2]:.3f} | {row[3]:.0%} |")
    rows = np.array(list(table.values()))
    print(f"| **all** | {len(rows)} | {rows[:, 0].mean():.3f} | {rows[:, 1].mean():.3f} | {rows[:, 2].mean():.3f} | {rows[:, 3].mean():.0%} |")
    by_file = np.array([np.mean(r, axis=0) for r in groups.values()])
    print(f"| **all files alike** | {len(by_file)} | {by_file[:, 0].mean():.3f} | {by_file[:, 1].mean():.3f} | {by_file[:, 2].mean():.3f} | {by_file[:, 3].mean():.0%} |")
    print(f"\nBetter than seasonal naive on {np.mean(rows[:, 0] < rows[:, 1]):.0%} of {len(rows)} series.")
    for name in ["prophet", "smoothing", "lstm"]:
        errors = [s[4][name] for score in scores.values() for s in score if name in s[4]]
        if errors:
            print(f"{name} alone: {np.mean(errors):.3f} over {len(errors)} forecasts")


for task in sys.argv[3:] or ["prophet", "lstm", "many", "ensemble"]:
    print(f"\n## {task}\n", flush=True)
    globals()[task]()
