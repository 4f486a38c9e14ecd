"""The serve worker: the site's web page and its JSON API."""
