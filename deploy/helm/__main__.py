"""`python -m deploy.helm`: write all files of the chart that are made from the code."""

from deploy.helm.files import stale_files, written_files

if __name__ == "__main__":
    for path, text in written_files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for path in stale_files():
        path.unlink()
