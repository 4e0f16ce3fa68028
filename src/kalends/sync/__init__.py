"""What a sync does: pull changes from the provider, plan what they mean, apply them under the lease."""
