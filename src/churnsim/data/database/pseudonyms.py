"""Pseudonyms: a keyed hash in the place of each customer id, taken before anything is written.

BLAKE2b with a key (RFC 7693), 128 bits: without the key nobody can tell which id a pseudonym stands for, not even by
trying all ids; with it the same id gets the same pseudonym in every file, so that records still belong together.
Whoever holds the key can undo it by trying: pseudonymised data are still personal data.
"""

from __future__ import annotations

import os
from hashlib import blake2b
from typing import Any

import pyarrow as pa

from churnsim.checks import check_kind, typed
from churnsim.data.tabular.files import regular_file
from churnsim.errors import ConfigError

LEAST_BYTES = 16  # 128 bits, as the pseudonym itself
LENGTH = 16
WITHHELD = "(withheld: ids are pseudonymised)"


class PseudonymKey:
    """A secret of at least 16 bytes. It is never shown and never written.

    Examples
    --------
    >>> key = PseudonymKey(b"32 bytes of secrets.token_bytes!")
    >>> key.pseudonym("Ann") == key.pseudonym("Ann") != key.pseudonym("Bert")
    True
    """

    def __init__(self, secret: bytes) -> None:
        check_kind(secret, "the key for pseudonyms", bytes, "bytes")
        if len(secret) < LEAST_BYTES:
            raise ConfigError(
                f"the key for pseudonyms has {len(secret)} bytes; it needs {LEAST_BYTES} or more. Make one with: "
                'python -c "import secrets; print(secrets.token_hex(32))"'
            )
        self._key = secret if len(secret) <= 64 else blake2b(secret, digest_size=64).digest()

    def __repr__(self) -> str:
        return "PseudonymKey(...)"

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> PseudonymKey:
        """The content of a file, white space around it left out. ConfigError when it cannot be read."""
        try:
            return cls(regular_file(path, what="key file", error=ConfigError).read_bytes().strip())
        except OSError as error:
            raise ConfigError(f"the key file {path} cannot be read ({error.strerror}).") from None

    @classmethod
    @typed
    def from_environment(cls, variable: str) -> PseudonymKey:
        """The value of an environment variable. ConfigError when it is not set."""
        value = os.environ.get(variable, "").strip()
        if not value:
            raise ConfigError(f"the environment variable {variable} for the pseudonyms' key is not set.")
        return cls(value.encode("utf-8", "surrogateescape"))

    def pseudonym(self, customer_id: str) -> str:
        """ "c" and 32 hexadecimal digits; the letter keeps a spreadsheet from reading the digits as a number."""
        data = customer_id.encode("utf-8", "surrogatepass")
        return "c" + blake2b(data, digest_size=LENGTH, key=self._key, person=b"customer id").hexdigest()

    def fingerprint(self) -> str:
        """What tells this key from another without giving it away; it is kept in the database."""
        return blake2b(b"key", digest_size=LENGTH, key=self._key, person=b"fingerprint").hexdigest()

    def replace(self, ids: Any) -> Any:
        """An Arrow array of ids as pseudonyms; each distinct id is hashed once."""
        coded = (
            ids.combine_chunks().dictionary_encode() if isinstance(ids, pa.ChunkedArray) else ids.dictionary_encode()
        )
        if isinstance(coded, pa.ChunkedArray):
            coded = coded.combine_chunks()
        names = pa.array([self.pseudonym(name) for name in coded.dictionary.to_pylist()], type=pa.string())
        return names.take(coded.indices)
