"""Did you mean: the known word that somebody who mistyped must have had in mind."""


def nearest(word, known):
    """The one of `known` closest to `word` if it is close enough to be meant, else None."""
    limit = max(1, len(word) // 3)
    close = [(distance(word, each, limit), each) for each in known]
    close = sorted(found for found in close if found[0] <= limit)
    return close[0][1] if close else None


def hint(word, known, otherwise=""):
    """`did you mean "X"?` for an error's hint, or `otherwise` when nothing is close."""
    found = nearest(word, known)
    return f'did you mean "{found}"?' if found else otherwise


def distance(one, other, limit):
    """Letters to insert, drop, change or swap with their neighbour to come from `one` to `other`; > `limit` when more."""
    if abs(len(one) - len(other)) > limit:
        return limit + 1
    before, above = None, list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, wanted in enumerate(other, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (letter != wanted)))
            if before and i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                row[-1] = min(row[-1], before[j - 2] + 1)
        before, above = above, row
    return above[-1]
