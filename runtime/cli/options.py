"""Options in docker's way: `-it`, `-p80:80`, `--name=x`, `--name x`, `--rm=false`; one table a command, help included.

`argparse` does this too, for 6 ms a start; here a table is a tuple of Option, read in order only for help.
"""

from ..container.nearest import hint
from ..errors import UsageError

TRUE, FALSE = ("true", "1", "t", "yes"), ("false", "0", "f", "no")


class Option:
    """One option: its spellings, what it holds (FLAG, VALUE or LIST), the key it is found under, a line of help."""

    __slots__ = ("help", "key", "kind", "names", "placeholder")

    def __init__(self, names, kind, text, placeholder="", key=""):
        self.names, self.kind, self.help, self.placeholder = names.split(), kind, text, placeholder
        self.key = key or self.names[-1].lstrip("-").replace("-", "_")


FLAG, VALUE, LIST = "flag", "value", "list"


class Usage(UsageError):
    """A command line that cannot be meant; docker exits with 125 then."""

    exit_code = 125


class Command:
    """A command: its words for help, its options, and whether options end where the first argument stands."""

    def __init__(self, name, arguments, text, options=(), *, least=0, most=None, mixed=True):
        self.name, self.arguments, self.help, self.options = name, arguments, text, options
        self._least, self._most, self._mixed = least, most, mixed

    def parse(self, words):
        """({key: value} of the options that are given, [arguments]); Usage for what cannot be meant."""
        given, rest, words = {}, [], list(words)
        while words:
            word = words.pop(0)
            if word == "--":
                rest += words
                break
            if len(word) > 1 and word.startswith("-"):
                self._take(word, words, given)
            elif self._mixed:
                rest.append(word)
            else:
                rest += [word, *words]
                break
        if not self._least <= len(rest) <= (len(rest) if self._most is None else self._most):
            raise self._wrong(f'"wherry {self.name}" takes {self._count()}, {len(rest)} given')
        return given, rest

    def usage(self):
        """The text of --help."""
        lines = [f"Usage:  wherry {self.name} {self.arguments}".rstrip(), "", self.help, "", "Options:"]
        shown = [(_spelling(each), each.help) for each in self.options]
        width = max([len(left) for left, _ in shown], default=0)
        return "\n".join([*lines, *(f"  {left:{width}}   {right}" for left, right in shown)]) + "\n"

    def _take(self, word, words, given):
        if (word in ("-h", "--help") and self._find(word) is None) or word == "--help":
            raise HelpWanted(self.usage())
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            self._set(self._known(name), value if equals else None, words, given)
            return
        letters = word[1:]
        while letters:
            option, letters = self._known("-" + letters[0]), letters[1:]
            if option.kind == FLAG and not letters.startswith("="):
                given[option.key] = True
                continue
            attached = letters[1:] if letters.startswith("=") else letters
            self._set(option, attached or None, words, given)
            return

    def _set(self, option, value, words, given):
        if option.kind == FLAG:
            given[option.key] = self._truth(option, "true" if value is None else value)
            return
        if value is None:
            if not words:
                raise self._wrong(f"{option.names[-1]} needs a value")
            value = words.pop(0)
        if option.kind == LIST:
            given.setdefault(option.key, []).append(value)
        else:
            given[option.key] = value

    def _truth(self, option, text):
        if text.lower() in TRUE + FALSE:
            return text.lower() in TRUE
        raise self._wrong(f"{option.names[-1]}={text}: true or false is needed")

    def _find(self, name):
        return next((each for each in self.options if name in each.names), None)

    def _known(self, name):
        found = self._find(name)
        if found is None:
            names = [each for option in self.options for each in option.names if each.startswith("--")]
            raise self._wrong(f"unknown flag: {name}", hint(name, names) if name.startswith("--") else "")
        return found

    def _wrong(self, what, meant=""):
        return Usage(what, hint=f"{meant} see: wherry {self.name} --help".strip())

    def _count(self):
        if self._most is None:
            return f"at least {self._least} argument{'s' if self._least > 1 else ''}"
        return "no arguments" if self._most == 0 else f"{self._least} to {self._most} arguments"


class HelpWanted(Exception):
    """The text of --help."""


def _spelling(option):
    names = ", ".join(option.names)
    return ("    " if option.names[0].startswith("--") else "") + f"{names} {option.placeholder}".rstrip()
