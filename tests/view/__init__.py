"""What a person looks at, made of documents. No terminal, no clock."""
