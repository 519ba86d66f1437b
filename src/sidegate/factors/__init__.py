"""What a person or a program proves itself with: pure arithmetic on secrets."""
