"""Which resource answers at which address, for people and what is theirs."""

from __future__ import annotations

from api.http import App
from api.pools import Pools
from api.resources import invitations, me, own_tokens, passwords, saved_views, single_sign_on, users
from api.sources.accounts import resource as accounts
from services.access.identity_provider import IdentityProvider
from services.access.login_throttle import Throttle
from services.system import System


def add(app: App, system: System, pools: Pools) -> None:
    """Add the routes of registration and login, of what a caller owns, and of users and invitations."""
    threads, hashing, asking = pools.general, pools.hashing, pools.asking
    throttle = Throttle(system.clock)
    app.add_route("/register", accounts.Registrations(system, hashing, throttle))
    app.add_route("/login", accounts.Logins(system, hashing, throttle))
    app.add_route("/api/register", accounts.ApiRegistrations(system, hashing, throttle))
    app.add_route("/api/login", accounts.ApiLogins(system, hashing, throttle))
    app.add_route("/logout", accounts.Logouts(system, threads))
    app.add_route("/api/logout", accounts.ApiLogouts(system, threads))
    app.add_route("/api/me", me.WhoAmI())
    app.add_route("/api/me/tokens", own_tokens.TokensOfCaller(system, threads))
    app.add_route("/api/me/tokens/{token_id:uuid}", own_tokens.TokenOfCaller(system, threads))
    app.add_route("/api/me/sessions", own_tokens.SessionsOfCaller(system, threads))
    app.add_route("/api/views", saved_views.SavedViews(system, threads))
    app.add_route("/api/views/{view_id:uuid}", saved_views.SavedView(system, threads))
    app.add_route("/api/me/password", passwords.PasswordOfCaller(system, hashing, throttle))
    app.add_route("/api/password/forgot", passwords.ForgottenPasswords(system, hashing, throttle))
    app.add_route("/api/password/reset", passwords.ResetPasswords(system, hashing, throttle))
    provider = _identity_provider(system)
    app.add_route("/oidc/login", single_sign_on.LoginElsewhere(system, asking, throttle, provider))
    app.add_route("/oidc/callback", single_sign_on.LoginFromElsewhere(system, asking, throttle, provider))
    app.add_route("/forgot", passwords.ForgottenPasswordsByPage(system, hashing, throttle))
    app.add_route("/reset", passwords.ResetPasswordsByPage(system, hashing, throttle))
    app.add_route("/api/users", users.AllUsers(system, threads))
    app.add_route("/api/users/{username}", users.OneUser(system, threads))
    app.add_route("/api/users/{username}/reset", users.ResetOfUser(system, threads))
    app.add_route("/api/users/{username}/tokens", users.TokensOfUser(system, threads))
    app.add_route("/api/invitations", invitations.AllInvitations(system, threads))
    app.add_route("/api/invitations/{invitation_id:uuid}", invitations.OneInvitation(system, threads))


def _identity_provider(system: System) -> IdentityProvider | None:
    if system.settings.oidc_issuer is None:
        return None
    from services.access.openid_connect import OpenIdConnect  # noqa: PLC0415  see there

    return OpenIdConnect(system)
