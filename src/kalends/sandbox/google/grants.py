"""What was consented to, and the codes and tokens that came of it; all of it in memory.

The rules are those of https://developers.google.com/identity/protocols/oauth2 ("Refresh token expiration"), and of
the page on web server applications below it.
"""

import secrets
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from kalends.sandbox.clock import SandboxClock
from kalends.sandbox.google import consent_scopes
from kalends.sandbox.google.bearer import Bearer, User
from kalends.sandbox.google.oauth_model import AccessToken, Client, Code, Consent, Issued, RefreshToken
from kalends.sandbox.google.workspace import GOOGLE, Workspace
from kalends.sandbox.keys import SigningKeys
from kalends.sandbox.oauth_words import OAuthRefused

CODE_LIFETIME = timedelta(minutes=10)
ACCESS_TOKEN_LIFETIME = timedelta(seconds=3599)
TESTING_LIFETIME = timedelta(days=7)
"""How long a refresh token lives in a project whose consent screen is in testing."""
UNUSED_LIFETIME = timedelta(days=180)
"""A refresh token that is not used for six months dies."""
MOST_REFRESH_TOKENS = 100
MOST_LIVING = 50_000
"""So many access tokens, or codes, are remembered; then those that have run out are forgotten, or the oldest."""

_REVOKED = "Token has been expired or revoked."


@dataclass(slots=True)
class _Grant:
    """All that one person has ever let one project do, and how often its tokens were refreshed."""

    scopes: frozenset[str] = frozenset()
    refreshes: int = 0


@dataclass(slots=True)
class _Failure:
    refused: OAuthRefused = field(repr=False)
    times: int


class Grants:
    """The state of the stand-in for Google's OAuth endpoints. It implements `Bearers`.

    `keys` sign ID tokens; without them some are made, which takes a noticeable part of a second. `issuer` is what ID
    tokens say they are from (Google's is `https://accounts.google.com`); without one, the address under which the
    sandbox was asked. In `testing`, refresh tokens live for seven days, as in a project whose consent screen is not
    published. Of the refresh tokens of one user and client `most_refresh_tokens` live at a time.
    """

    def __init__(
        self,
        clock: SandboxClock,
        *,
        users: Iterable[User] = (),
        clients: Iterable[Client] = (),
        domains: Iterable[str] = (),
        keys: SigningKeys | None = None,
        issuer: str | None = None,
        testing: bool = False,
        most_refresh_tokens: int = MOST_REFRESH_TOKENS,
    ) -> None:
        self.clock = clock
        self.issuer = issuer
        self.testing = testing
        self.keys = keys or SigningKeys(clock)
        self.workspace = Workspace(clock, domains)
        self._most_refresh_tokens = most_refresh_tokens
        self._users = {user.id: user for user in users}
        self._clients = {client.id: client for client in clients}
        self._grants: dict[tuple[str, str], _Grant] = {}
        self._codes: dict[str, Code] = {}
        self._refresh_tokens: dict[str, RefreshToken] = {}
        self._access_tokens: dict[str, AccessToken] = {}
        self._failures: deque[_Failure] = deque()
        self._narrowed: frozenset[str] | None = None

    # -- people and apps --

    @property
    def users(self) -> Sequence[User]:
        """Return the made-up accounts, in the order in which they were added."""
        return [*self._users.values()]

    def user(self, named: str) -> User | None:
        """Return the account with an id or an e-mail address."""
        return self._users.get(named) or next((one for one in self.users if one.email.lower() == named.lower()), None)

    def add_user(self, user: User) -> None:
        """Add a made-up account, or change the one with its id."""
        self._users[user.id] = user

    def client(self, client_id: str) -> Client | None:
        """Return the registration of an app."""
        return self._clients.get(client_id)

    def add_client(
        self, name: str, *, project: str | None = None, redirect_uris: Collection[str] | None = None
    ) -> Client:
        """Register an app under a name that the consent page shows; without redirect URIs any on loopback is right.

        `project` is the number of a project, for a further client of the same; otherwise the client has its own.
        """
        number = project or str(10**11 + secrets.randbelow(9 * 10**11))
        letters = "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(32))
        client = Client(
            f"{number}-{letters}.apps.googleusercontent.com",
            "GOCSPX-" + secrets.token_urlsafe(21),
            name,
            None if redirect_uris is None else frozenset(redirect_uris),
        )
        self._clients[client.id] = client
        return client

    def add_service_account(self, name: str, *, project_id: str = "sandbox", origin: str = GOOGLE) -> dict[str, str]:
        """Make a service account; return its key file (JSON object), with its endpoints under `origin`.

        It may act for nobody until `workspace.delegate` says so. Raises `ValueError` for a name that is taken.
        """
        return self.workspace.add_service_account(name, project_id=project_id, origin=origin)

    # -- consent --

    def consented(self, user: User, client: Client) -> frozenset[str]:
        """Return all that somebody has ever let a client's project do, and has not withdrawn."""
        grant = self._grants.get((user.id, client.project))
        return grant.scopes if grant else frozenset()

    def consent(self, consent: Consent) -> Code:
        """Remember what somebody consented to; return the code that the app redeems.

        A refresh token comes of the code where somebody was asked: at the first time, and at `prompt=consent`.
        """
        earlier = self.consented(consent.user, consent.client)
        grant = self._grants.setdefault((consent.user.id, consent.client.project), _Grant())
        grant.scopes |= consent.ticked
        asked_anew = consent.ask_again or not consent.asked <= earlier
        code = Code(
            value="4/0" + secrets.token_urlsafe(54),
            consent=consent,
            scopes=consent.ticked | earlier if consent.include_granted else consent.ticked,
            gives_refresh_token=consent.offline and asked_anew,
            expires_at=self.clock.now() + CODE_LIFETIME,
        )
        _make_room(self._codes, self.clock.now())
        self._codes[code.value] = code
        return code

    # -- tokens --

    def redeem(self, client: Client, code: str, *, redirect_uri: str | None, verifier: str | None) -> Issued:
        """Return the tokens for a code; raises `OAuthRefused`.

        A code that comes a second time takes the tokens of the first with it (RFC 6749 §4.1.2).
        """
        found = self._codes.get(code)
        if found is None or found.consent.client.id != client.id or found.expires_at <= self.clock.now():
            raise OAuthRefused("invalid_grant", "Malformed auth code.")
        if found.used:
            self._forget_tokens_of(found)
            raise OAuthRefused("invalid_grant", "Bad Request")
        if redirect_uri != found.consent.redirect_uri:
            raise OAuthRefused("redirect_uri_mismatch", "Bad Request")
        _check_verifier(found, verifier)
        found.used = True
        consent = found.consent
        access = self._issue(
            client.id, client.project, consent.user, found.scopes, offline=consent.offline, code=found.value
        )
        if not found.gives_refresh_token:
            return Issued(access, nonce=consent.nonce)
        refresh = self._issue_refresh_token(found)
        return Issued(access, refresh.value, self._seconds_left(refresh), consent.nonce)

    def refresh(self, client: Client, refresh_token: str, scope: str | None = None) -> Issued:
        """Return a new access token, for fewer scopes where the app asks for fewer; raises `OAuthRefused`."""
        found = self._refresh_tokens.get(refresh_token)
        now = self.clock.now()
        if found is None or (found.expires_at or now) < now or found.used_at + UNUSED_LIFETIME < now:
            raise OAuthRefused("invalid_grant", _REVOKED)
        if found.client.id != client.id:
            raise OAuthRefused("unauthorized_client", "Unauthorized", status=401)
        scopes = found.scopes if scope is None else consent_scopes.parse(scope)
        if not scopes <= found.scopes:
            raise OAuthRefused("invalid_scope", "Bad Request")
        if self._narrowed is not None:
            scopes, self._narrowed = scopes & self._narrowed, None
        found.used_at = now
        self._grants[found.user.id, client.project].refreshes += 1
        access = self._issue(client.id, client.project, found.user, scopes, offline=True, code=found.code)
        return Issued(access, refresh_token_expires_in=self._seconds_left(found))

    def assert_for(self, assertion: str, audiences: Collection[str]) -> Issued:
        """Return an access token for a service account's assertion (RFC 7523 §2.1); raises `OAuthRefused`."""
        asserted = self.workspace.check(assertion, audiences, self.users)
        return Issued(self._issue(asserted.account.client_id, None, asserted.user, asserted.scopes))

    def bearer(self, access_token: str) -> Bearer | None:
        """Return what a token stands for, None where it is unknown, has run out, or was revoked."""
        found = self.access_token(access_token)
        return Bearer(found.user, found.client_id, found.scopes) if found else None

    def access_token(self, value: str) -> AccessToken | None:
        """Return an access token that is valid now."""
        found = self._access_tokens.get(value)
        return found if found is not None and found.expires_at > self.clock.now() else None

    def revoke(self, token: str) -> None:
        """Revoke all that the owner of a token let its project do, with every token; raises `OAuthRefused`."""
        refresh, access = self._refresh_tokens.get(token), self.access_token(token)
        if refresh is not None:
            self._forget_grant(refresh.user, refresh.client.project)
        elif access is not None and access.project is not None:
            self._forget_grant(access.user, access.project)
        elif access is not None:
            del self._access_tokens[token]
        else:
            raise OAuthRefused("invalid_token", "Token expired or revoked")

    # -- switches --

    def withdraw(self, user: User, client: Client) -> None:
        """Withdraw all that somebody let a client's project do, as in the settings of their account."""
        self._forget_grant(user, client.project)

    def expire_access_tokens(self) -> None:
        """Let every access token run out now."""
        self._access_tokens.clear()

    def fail_token_requests(self, status: int, error: str, *, description: str | None = None, times: int = 1) -> None:
        """Answer the next requests for tokens by an error; raises `ValueError` for what is no error."""
        if not 400 <= status <= 599 or times < 1:  # noqa: PLR2004 - the statuses of errors
            raise ValueError("the status must be one of an error, and the number of times positive")
        self._failures.append(_Failure(OAuthRefused(error, description, status=status), times))

    def check_failure(self) -> None:
        """Raise the `OAuthRefused` that this request for a token is to be answered by, if any."""
        if self._failures:
            failure = self._failures[0]
            failure.times -= 1
            if failure.times == 0:
                self._failures.popleft()
            raise failure.refused

    def narrow_next_refresh(self, scopes: Collection[str]) -> None:
        """Leave only these scopes, of those granted, to the access token of the next refresh."""
        self._narrowed = consent_scopes.parse(" ".join(scopes))

    def refreshes(self, user: User, client: Client) -> int:
        """Return how often tokens were refreshed since somebody first consented; 0 without a grant."""
        grant = self._grants.get((user.id, client.project))
        return grant.refreshes if grant else 0

    # -- inside --

    def _issue(
        self,
        client_id: str,
        project: str | None,
        user: User,
        scopes: frozenset[str],
        *,
        offline: bool = False,
        code: str | None = None,
    ) -> AccessToken:
        now = self.clock.now()
        value = "ya29.a0" + secrets.token_urlsafe(120)
        token = AccessToken(value, client_id, project, user, scopes, now + ACCESS_TOKEN_LIFETIME, offline, code)
        _make_room(self._access_tokens, now)
        self._access_tokens[value] = token
        return token

    def _issue_refresh_token(self, code: Code) -> RefreshToken:
        consent, now = code.consent, self.clock.now()
        # who only signs people in is spared the seven days
        dies = self.testing and not code.scopes <= consent_scopes.SIGN_IN
        token = RefreshToken(
            value="1//0" + secrets.token_urlsafe(72),
            client=consent.client,
            user=consent.user,
            scopes=code.scopes,
            code=code.value,
            used_at=now,
            expires_at=now + TESTING_LIFETIME if dies else None,
        )
        same = [
            one.value
            for one in self._refresh_tokens.values()
            if one.user.id == token.user.id and one.client.id == token.client.id
        ]
        for oldest in same[: max(0, len(same) + 1 - self._most_refresh_tokens)]:
            del self._refresh_tokens[oldest]
        self._refresh_tokens[token.value] = token
        return token

    def _seconds_left(self, token: RefreshToken) -> int | None:
        return None if token.expires_at is None else int((token.expires_at - self.clock.now()).total_seconds())

    def _forget_tokens_of(self, code: Code) -> None:
        self._refresh_tokens = {key: one for key, one in self._refresh_tokens.items() if one.code != code.value}
        self._access_tokens = {key: one for key, one in self._access_tokens.items() if one.code != code.value}

    def _forget_grant(self, user: User, project: str) -> None:
        self._grants.pop((user.id, project), None)
        self._codes = {
            key: one
            for key, one in self._codes.items()
            if (one.consent.user.id, one.consent.client.project) != (user.id, project)
        }
        self._refresh_tokens = {
            key: one
            for key, one in self._refresh_tokens.items()
            if (one.user.id, one.client.project) != (user.id, project)
        }
        self._access_tokens = {
            key: one for key, one in self._access_tokens.items() if (one.user.id, one.project) != (user.id, project)
        }


def _check_verifier(code: Code, verifier: str | None) -> None:
    challenge = code.consent.challenge
    if challenge is None and verifier is not None:
        raise OAuthRefused("invalid_grant", "code_verifier or verifier is not needed.")
    if challenge is not None and verifier is None:
        raise OAuthRefused("invalid_grant", "Missing code verifier.")
    if challenge is not None and verifier is not None and not challenge.fits(verifier):
        raise OAuthRefused("invalid_grant", "Invalid code verifier.")


def _make_room(kept: dict[str, Code] | dict[str, AccessToken], now: datetime) -> None:
    if len(kept) >= MOST_LIVING:
        run_out = [value for value, one in kept.items() if one.expires_at <= now]
        for value in run_out or [next(iter(kept))]:
            del kept[value]
