import option_tables


def test_tables_of_options_are_those_of_the_code():
    pages = {path.name: path.read_text(encoding="utf-8") for path in option_tables.PAGES}
    assert "<!-- options: stream.settings.Settings -->" in pages["streaming.md"]
    stale = [name for name, page in pages.items() if page != option_tables.fill(page)]
    assert not stale, "run `make tables`"
