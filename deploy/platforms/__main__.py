"""`python -m deploy.platforms`: write what the README says of the platforms."""

from deploy.platforms.files import written_files

if __name__ == "__main__":
    for path, text in written_files().items():
        path.write_text(text, encoding="utf-8")
