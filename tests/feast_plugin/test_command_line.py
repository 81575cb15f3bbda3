"""What commands print for people."""

from feast_plugin.command_line import print_lines


def test_names_of_classes_break_no_line_and_command_no_terminal(capsys):
    print_lines(["class a\nb\x1b[31m: 3 rows", "ü"])
    assert capsys.readouterr().out == "class a\\nb\\x1b[31m: 3 rows\nü\n"
