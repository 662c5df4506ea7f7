"""`python -m deploy.settings`: write all files that are made from the settings' model."""

from deploy.settings.files import written_files

if __name__ == "__main__":
    for path, text in written_files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
