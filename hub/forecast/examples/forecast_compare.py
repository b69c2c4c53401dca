"""Runs the same forecasting tasks with Pilah and with Python's libraries, side by side, and prints tables.

    cargo build --release -p pilah-forecast --example forecast_figures
    python3 -m venv venv
    venv/bin/pip install prophet==1.5.0 statsforecast torch    # one environment has all that is needed
    venv/bin/python hub/forecast/examples/forecast_compare.py target/release/examples/forecast_figures ../shared/data/series [task]

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


def seasons(step, season, length):
    """The seasons that MSTL takes apart: those of which the history has two."""
    longer = {"day": [7, 365], "week": [52], "hour": [24, 168], "30 minutes": [48, 336]}.get(step, [season])
    return [s for s in longer if 1 < s <= length // 2]


def ets(history, horizon, season, step):
    """AutoETS, and the same after MSTL took the seasons out. AutoETS takes seasons of up to 24 steps; where the only
    season is longer, it is AutoETS after MSTL as well."""
    from statsforecast.models import MSTL, AutoETS

    parts = seasons(step, season, len(history))
    apart = MSTL(season_length=parts, trend_forecaster=AutoETS(model="ZZN")) if parts else AutoETS(season_length=1)
    apart = apart.forecast(history, horizon)["mean"]
    if season > 24:
        return apart, apart
    return AutoETS(season_length=season).forecast(history, horizon)["mean"], apart


def ensemble():
    names = ["validated", "fixed", "seasonal naive", "AutoETS", "MSTL + AutoETS", "covers", "fixed covers"]
    # As many windows as the network of an answer of the hub looks at.
    lines = figures("ensemble", collection(), 2, 20_000)
    scores, alone = {}, {}
    for line in lines:
        history = np.array(line["history"])
        truth = np.array([np.nan if v is None else v for v in line["truth"]], dtype=float)
        season = line["season"]
        lag = season if len(history) > season else 1
        scale = np.sqrt(np.mean((history[lag:] - history[:-lag]) ** 2)) or 1.0
        plain, apart = ets(history, len(truth), season, line["step"])

        def error(values):
            return np.sqrt(np.nanmean((np.array(values) - truth) ** 2)) / scale

        def inside(band):
            known = np.isfinite(truth)
            return np.mean(((truth >= np.array(band["lower"])) & (truth <= np.array(band["upper"])))[known])

        fixed = line["fixed"]
        row = [error(line["mean"]), error(fixed["mean"]), error(line["naive"]), error(plain), error(apart), inside(line), inside(fixed)]
        scores.setdefault(line["product"], []).append(row)
        for name, band in line["members"].items():
            alone.setdefault(f"{name} alone", []).append(error(band["mean"]))
        if "lstm" in line["fixed_weights"]:
            for name, value in zip(names[:5], row):
                alone.setdefault(f"{name}, where there is a network", []).append(value)
    table = {name: np.mean(score, axis=0) for name, score in scores.items()}
    groups = {}
    for name, row in table.items():
        groups.setdefault(name.split(":")[0], []).append(row)
    print("| file | series | " + " | ".join(names) + " |")
    print("|---|---|" + "---|" * len(names))

    def show(name, rows):
        row = np.mean(rows, axis=0)
        cells = [f"{v:.3f}" for v in row[:5]] + [f"{v:.0%}" for v in row[5:]]
        print(f"| {name} | {len(rows)} | " + " | ".join(cells) + " |")

    for name, rows in sorted(groups.items()):
        show(name, rows)
    rows = np.array(list(table.values()))
    show("**all**", rows)
    show("**all files alike**", np.array([np.mean(r, axis=0) for r in groups.values()]))
    for index in [0, 1]:
        better = np.mean(rows[:, index] < rows[:, 2])
        print(f"\n{names[index]}: better than seasonal naive on {better:.0%} of {len(rows)} series.")
    for name, errors in alone.items():
        print(f"{name}: {np.mean(errors):.3f} over {len(errors)} forecasts")


for task in sys.argv[3:] or ["prophet", "lstm", "many", "ensemble"]:
    print(f"\n## {task}\n", flush=True)
    globals()[task]()
