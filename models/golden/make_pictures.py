#!/usr/bin/env python3
"""Makes golden/pictures: JPEGs of the kinds that cameras and programs write, and what another decoder makes of them.

    apt-get install libjpeg-turbo-progs ffmpeg && pip install pillow==12.* && python3 golden/make_pictures.py

KIND.WAY.jpg is the picture in that kind of sampling, written in that way; KIND.png is what libjpeg-turbo (djpeg) makes
of it, and must be what Pilah makes of every KIND.*.jpg. Those in refused/ are kinds that Pilah names and refuses.
"""
import io, math, pathlib, subprocess, tempfile
from PIL import Image

OUT = pathlib.Path(__file__).parent / "pictures"
WIDTH, HEIGHT = 45, 37


def picture():
    image = Image.new("RGB", (WIDTH, HEIGHT))
    for y in range(HEIGHT):
        for x in range(WIDTH):
            image.putpixel((x, y), (int(127 + 120 * math.sin(x / 9)), int(127 + 120 * math.sin(y / 7 + 1)),
                                    int(127 + 110 * math.cos((x + y) / 11))))
    return image


def run(*command):
    return subprocess.run(command, check=True, capture_output=True).stdout


def segments(jpeg, keep):
    """The JPEG with those segments only of which `keep` says so."""
    out, at = jpeg[:2], 2
    while jpeg[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(jpeg[at + 2:at + 4], "big")
        out += jpeg[at:end] if keep(jpeg[at + 1]) else b""
        at = end
    return out + jpeg[at:]


def main():
    (OUT / "refused").mkdir(parents=True, exist_ok=True)
    scratch = pathlib.Path(tempfile.mkdtemp())
    source, one_by_one, in_two = scratch / "p.ppm", scratch / "one", scratch / "two"
    picture().save(source)
    one_by_one.write_text("0;\n1;\n2;\n")
    in_two.write_text("0;\n1 2;\n")

    def write(name, *options):
        (OUT / f"{name}.jpg").write_bytes(run("cjpeg", "-quality", "90", *options, str(source)))

    samplings = {"444": "1x1,1x1,1x1", "422": "2x1,1x1,1x1", "440": "1x2,1x1,1x1", "420": "2x2,1x1,1x1",
                 "411": "4x1,1x1,1x1", "410": "4x2,1x1,1x1", "420-cb": "2x2,2x2,1x1", "422-tall": "2x2,1x2,1x2"}
    for kind, sampling in samplings.items():
        one = ["-scans", str(one_by_one)]
        for way, options in {"one-scan": [], "restart": ["-restart", "2B"], "progressive": ["-progressive"],
                             "one-by-one": one, "one-by-one-restart": [*one, "-restart", "3B"]}.items():
            write(f"{kind}.{way}", "-sample", sampling, *options)
    for way, options in {"one-scan": [], "one-by-one": ["-scans", str(one_by_one)]}.items():
        write(f"rgb.{way}", "-rgb", *options)
    for way, options in {"one-scan": [], "progressive": ["-progressive"], "sampled": ["-sample", "2x2"]}.items():
        write(f"grey.{way}", "-grayscale", *options)
    write("coarse.one-scan", "-quality", "8")
    whole = (OUT / "420.one-scan.jpg").read_bytes()
    (OUT / "420.no-tables.jpg").write_bytes(segments(whole, lambda kind: kind != 0xC4))
    (OUT / "420.no-tables-no-app0.jpg").write_bytes(segments(whole, lambda kind: kind not in (0xC4, 0xE0)))
    (OUT / "420.stale-tail.jpg").write_bytes(whole + bytes(40) + (OUT / "coarse.one-scan.jpg").read_bytes()[300:])
    for first in sorted(OUT.glob("*.one-scan.jpg")):
        kind = first.name.split(".")[0]
        Image.open(io.BytesIO(run("djpeg", str(first)))).convert("RGB").save(OUT / f"{kind}.png", optimize=True)
    run("ffmpeg", "-y", "-i", str(source), "-pix_fmt", "yuv420p", "-strict", "unofficial", "-q:v", "2", "-f", "mjpeg",
        str(OUT / "limited.ffmpeg.jpg"))
    picture().save(OUT / "limited.png", optimize=True)

    for name, options in {
        "fine-colour": ["-sample", "1x1,2x2,2x2"], "fine-colour-across": ["-sample", "1x1,2x1,2x1"],
        "fine-red": ["-sample", "1x1,1x1,2x2"], "fine-progressive": ["-sample", "1x1,2x2,2x2", "-progressive"],
        "three-for-one": ["-sample", "3x1,1x1,1x1"], "two-scans": ["-scans", str(in_two)], "arithmetic": ["-arithmetic"],
    }.items():
        write(f"refused/{name}", *options)


main()
