"""What the portal's pages share: base template, style sheet, headers, sessions."""
