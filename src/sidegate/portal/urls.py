"""The portal's pages."""

from django.urls import path

from sidegate.portal import (
    activity,
    app_passwords,
    cut_over,
    devices,
    gate,
    home,
    locking,
    phone_screen,
    security,
    sign_in,
    step_pages,
    two_step,
)

urlpatterns = [
    path("", home.home, name="home"),
    path("mail", home.mail, name="mail"),
    path("signin", sign_in.sign_in, name="signin"),
    path("signin/code", sign_in.sign_in_code, name="signin-code"),
    path("signin/code/again", sign_in.sign_in_again, name="signin-again"),
    path("signin/another-way", sign_in.sign_in_ways, name="signin-ways"),
    path("signout", sign_in.sign_out, name="signout"),
    path("lock/<str:token>", locking.lock, name="lock"),
    path("locked", locking.locked, name="locked"),
    path("security", security.overview, name="security"),
    path("security/password", security.password, name="password"),
    path("security/code", gate.confirm_code, name="confirm-code"),
    path("security/code/again", gate.confirm_again, name="confirm-again"),
    path("security/another-way", gate.confirm_ways, name="confirm-ways"),
    path("security/two-step", two_step.overview, name="two-step"),
    path("security/two-step/phone", two_step.phone, name="two-step-phone"),
    path("security/two-step/code", two_step.code, name="two-step-code"),
    path("security/two-step/code/again", two_step.again, name="two-step-again"),
    path("security/two-step/turn-on", two_step.turn_on, name="two-step-turn-on"),
    path("security/two-step/steps/<str:key>", step_pages.step, name="second-step"),
    path(
        "security/two-step/steps/<str:key>/remove",
        step_pages.remove,
        name="second-step-remove",
    ),
    path("security/two-step/exceptions/end", cut_over.end, name="exception-end"),
    path("security/two-step/turn-off", two_step.turn_off, name="two-step-turn-off"),
    path("security/app-passwords", app_passwords.overview, name="app-passwords"),
    path("security/app-passwords/revoke", app_passwords.revoke, name="app-password-revoke"),
    path("security/devices", devices.page, name="devices"),
    path("security/devices/sign-out", devices.sign_out, name="device-sign-out"),
    path(
        "security/devices/sign-out-others",
        devices.sign_out_others,
        name="device-sign-out-others",
    ),
    path("activity", activity.page, name="activity"),
    path("phone", phone_screen.page, name="phone"),
]
